import type { Call } from './calls.ts'
import type { PublishRecord } from './records.ts'

/** An event that was begun although an earlier one of its key was not finished. */
export interface Overtaking {
  readonly function: string
  readonly key: string
  /** The event that was begun too soon. */
  readonly id: string
  /** The earlier one that had neither succeeded nor become a dead letter by then. */
  readonly before: string
}

/** Two invocations of one key and function at the same time. */
export interface Overlap {
  readonly function: string
  readonly key: string
  /** The one that began while the other ran. */
  readonly id: string
  readonly other: string
}

type Sent = Extract<PublishRecord, { kind: 'sent' }>

const group = <T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, T[]> => Map.groupBy(items, keyOf)

const findOverlaps = (calls: readonly Call[]): readonly Overlap[] => {
  const overlaps: Overlap[] = []
  let longest: Call | undefined
  for (const call of calls) {
    if (longest !== undefined && call.begin < longest.end) {
      overlaps.push({ function: call.function, key: call.key, id: call.id, other: longest.id })
    }
    if (longest === undefined || call.end > longest.end) longest = call
  }
  return overlaps
}

/**
 * The first time an event is begun, all earlier ones of its key must be finished. A repeat of an event that is finished (after a crash)
 * overtakes nothing: it is a duplicate. Earlier events that nobody ever saw count only if something later shows that they were there:
 * they are lost, which is reported as such.
 */
const findOvertakings = (calls: readonly Call[], sent: readonly Sent[], lettered: (id: string) => boolean): readonly Overtaking[] => {
  const begun = new Map<string, number>()
  const finished = new Map<string, number>()
  for (const call of calls) {
    if (!begun.has(call.id)) begun.set(call.id, call.begin)
    if (call.success) finished.set(call.id, Math.min(finished.get(call.id) ?? Infinity, call.end))
  }
  const overtakings: Overtaking[] = []
  // The earlier event that was finished last: whoever begins before that has overtaken it.
  let last: { readonly id: string; readonly at: number } | undefined
  for (const { id, key } of sent.toSorted((one, other) => one.sequence - other.sequence)) {
    const begin = begun.get(id)
    if (begin === undefined) continue
    if (last !== undefined && begin < last.at) overtakings.push({ function: calls[0]?.function ?? '', key, id, before: last.id })
    // A letter has no line in the file; when its last attempt ended is the earliest it can have been written.
    const attempts = lettered(id) ? calls.filter((call) => call.id === id) : []
    const at = finished.get(id) ?? (attempts.length > 0 ? Math.max(...attempts.map((call) => call.end)) : Infinity)
    if (last === undefined || at > last.at) last = { id, at }
  }
  return overtakings
}

/** Everything that broke the order by key. `lettered` holds `JSON.stringify([function, id])` of the dead letters. */
export const findDisorder = (
  calls: readonly Call[],
  sent: readonly Sent[],
  lettered: ReadonlySet<string>,
): { readonly overtakings: readonly Overtaking[]; readonly overlaps: readonly Overlap[] } => {
  const sentByKey = group(sent, ({ key }) => key)
  const lanes = [...group(calls, (call) => JSON.stringify([call.function, call.key])).values()]
  return {
    overlaps: lanes.flatMap(findOverlaps),
    overtakings: lanes.flatMap((lane) => {
      const [first] = lane
      if (first === undefined) return []
      return findOvertakings(lane, sentByKey.get(first.key) ?? [], (id) => lettered.has(JSON.stringify([first.function, id])))
    }),
  }
}
