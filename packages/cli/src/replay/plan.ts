import type { DeadLetter } from '@millrace/sdk'
import type { LetterPlace } from './letter-place.ts'
import type { ReplayLog } from './replay-log.ts'
import { type Selection, skipReason, type SkipReason } from './selection.ts'

/** What a replay would do. */
export interface ReplayPlan {
  /** Letters that are there. */
  readonly letters: number
  readonly selected: number
  readonly skipped: Readonly<Partial<Record<SkipReason, number>>>
  /** Records that cannot be read; they stay where they are. */
  readonly unreadable: number
  /** Selected letters by function and reason. */
  readonly groups: readonly { readonly function: string; readonly reason: string; readonly count: number }[]
}

/** Selected letters, oldest first, one in memory at a time. */
export async function* selectLetters(
  place: LetterPlace,
  selection: Selection,
  log: ReplayLog,
  onSkipped: (reason: SkipReason | 'unreadable') => void = () => undefined,
): AsyncGenerator<DeadLetter, void> {
  let taken = 0
  for await (const letter of place.read(() => onSkipped('unreadable'))) {
    const reason = skipReason(letter, selection, await log.has(letter), taken)
    if (reason === undefined) {
      taken += 1
      yield letter
    } else onSkipped(reason)
  }
}

/** Reads everything once and counts. */
export const planReplay = async (place: LetterPlace, selection: Selection, log: ReplayLog): Promise<ReplayPlan> => {
  const skipped = new Map<SkipReason | 'unreadable', number>()
  const groups = new Map<string, { function: string; reason: string; count: number }>()
  let selected = 0
  const skip = (reason: SkipReason | 'unreadable'): void => void skipped.set(reason, (skipped.get(reason) ?? 0) + 1)
  for await (const { function: name = '', reason } of selectLetters(place, selection, log, skip)) {
    selected += 1
    const key = `${name} ${reason}`
    const group = groups.get(key) ?? { function: name, reason, count: 0 }
    group.count += 1
    // Names come from a file: as many different ones as anybody can read.
    if (groups.size < 1000) groups.set(key, group)
  }
  const unreadable = skipped.get('unreadable') ?? 0
  skipped.delete('unreadable')
  const total = selected + [...skipped.values()].reduce((sum, count) => sum + count, 0)
  return { letters: total, selected, skipped: Object.fromEntries(skipped), unreadable, groups: [...groups.values()] }
}
