import type { DeadLetter } from '@millrace/sdk'

/** Which letters to deliver again. */
export interface Selection {
  /** Absent: all. */
  readonly functions?: ReadonlySet<string>
  /** Epoch milliseconds: letters written then or later. */
  readonly sinceMs?: number
  /** At most this many. */
  readonly max?: number
}

/** Why a letter is passed over. */
export type SkipReason =
  /** Another function's. */
  | 'other-function'
  | 'before-since'
  /** Delivered by an earlier replay. */
  | 'replayed'
  /** No function is involved: the event could not be decoded, is too large, or nobody wanted it. */
  | 'no-function'
  /** It has been a letter too often: something sends it round in circles. */
  | 'hops'
  | 'over-max'

const maxHops = 16

/** `NAME` also means the function in its default namespace, as faas-cli has it. */
const isNamed = (functions: ReadonlySet<string>, name: string): boolean =>
  functions.has(name) || functions.has(name.replace(/\.openfaas-fn$/, ''))

/** Why this letter is left out, or `undefined` when it is to be delivered. @param taken letters selected before it */
export const skipReason = (letter: DeadLetter, selection: Selection, isReplayed: boolean, taken: number): SkipReason | undefined => {
  const { functions, sinceMs = Number.NEGATIVE_INFINITY, max = Infinity } = selection
  if (letter.function === undefined) return 'no-function'
  if (functions !== undefined && !isNamed(functions, letter.function)) return 'other-function'
  if (letter.diedAt < sinceMs) return 'before-since'
  if (isReplayed) return 'replayed'
  if (letter.hops >= maxHops) return 'hops'
  return taken >= max ? 'over-max' : undefined
}
