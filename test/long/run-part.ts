import { randomInt } from 'node:crypto'
import { seededRandom } from '../processes/seeded-random.ts'
import type { LongPart } from './part.ts'
import type { Progress, ProgressFile } from './progress.ts'

export interface RunPartOptions {
  readonly progress: ProgressFile
  readonly signal: AbortSignal
  readonly say: (line: string) => void
  /** Of a part that begins anew. @default chosen by chance */
  readonly seed?: number
  /** Ends after so many steps of this call. @default all */
  readonly limit?: number
}

/** `paused`: the limit or the signal ended it; the next call goes on from there. */
export type PartResult = 'done' | 'failed' | 'paused'

const keptNotes = 20

const begin = (options: RunPartOptions): Progress => ({ seed: options.seed ?? randomInt(2 ** 31), done: 0, ms: 0, notes: [] })

/** Does the steps that are left of a part, and remembers each. A failed step is the first of the next call, with the same seed. */
export const runPart = async (part: LongPart, options: RunPartOptions): Promise<PartResult> => {
  const { signal, say } = options
  let state = options.progress.get(part.name) ?? begin(options)
  if (state.done >= part.steps) {
    say(`${part.name}: done before, ${state.done} steps in ${Math.round(state.ms / 1000)} s (seed ${state.seed}); --fresh does it again`)
    return 'done'
  }
  say(`${part.name}: from step ${state.done} of ${part.steps}, seed ${state.seed}`)
  const opened = await part.open()
  try {
    const last = Math.min(part.steps, state.done + (options.limit ?? Infinity))
    while (state.done < last && !signal.aborted) {
      const start = performance.now()
      const note = await opened.step({ index: state.done, random: seededRandom(state.seed + state.done), signal })
      const { failure: _mended, ...rest } = state
      state = { ...rest, done: state.done + 1, ms: state.ms + performance.now() - start, notes: [...state.notes, note].slice(-keptNotes) }
      options.progress.set(part.name, state)
      say(`${part.name}: ${state.done}/${part.steps} ${note}`)
    }
  } catch (error) {
    if (signal.aborted) return 'paused'
    const failure = error instanceof Error ? error.message : String(error)
    options.progress.set(part.name, { ...state, failure })
    say(`${part.name}: step ${state.done} failed (seed ${state.seed}): ${failure}`)
    return 'failed'
  } finally {
    await opened.close()
  }
  return state.done >= part.steps ? 'done' : 'paused'
}
