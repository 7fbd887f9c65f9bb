import type { Metrics } from '../processes/metrics.ts'
import type { InvocationRecord, PublishRecord } from './records.ts'
import { callsOf, type Call } from './calls.ts'
import { findDisorder, type Overlap, type Overtaking } from './order.ts'

/** What a letter in the dead letters says, of whatever sink it is. */
export interface LedgerLetter {
  readonly id: string
  readonly function?: string
  readonly reason?: string
}

export interface ReportInput {
  readonly published: readonly PublishRecord[]
  readonly invocations: readonly InvocationRecord[]
  /** Each event is for all of these. @default those that were called, or one unnamed if none was */
  readonly functions?: readonly string[]
  /** Ids that the source counts as acknowledged, e.g. `acknowledgedUpTo()`. Absent: not checked. */
  readonly acknowledged?: Iterable<string>
  readonly letters?: readonly LedgerLetter[]
  /** The most duplicates there may be: what was in flight or above the durable position, summed over the kills. Absent: any number. */
  readonly duplicateBound?: number
  /** `none`: order is not promised. @default 'key' */
  readonly order?: 'key' | 'none'
  /** Dead letters are meant to happen. @default false: each is a problem */
  readonly lettersExpected?: boolean
  /** The last scrape of the connector. Absent: not checked. */
  readonly metrics?: Metrics
}

/** An event and the function it is about. */
export interface Miss {
  readonly id: string
  readonly function: string
}

/** A function that had an event more than once with success. */
export interface Duplicate extends Miss {
  /** Successes beyond the first. */
  readonly extra: number
}

export interface Report {
  readonly sent: number
  readonly confirmed: number
  /** Finished with a 2xx answer, the first of each event and function. */
  readonly succeeded: number
  /** All invocations, failed and cut ones too. */
  readonly calls: number
  /** Invocations whose caller left before the answer: a connector that was killed, or a time-out. */
  readonly cut: number
  /** Confirmed, but without success and without a dead letter. */
  readonly lost: readonly Miss[]
  readonly duplicates: readonly Duplicate[]
  /** Sum of their `extra`. */
  readonly duplicated: number
  /** Event n+1 of a key was begun before event n had succeeded or had become a dead letter. */
  readonly overtakings: readonly Overtaking[]
  /** Two invocations of one key and function at once. */
  readonly overlaps: readonly Overlap[]
  /** Acknowledged at the source, although a function had neither succeeded nor a dead letter been written. */
  readonly acknowledgedEarly: readonly Miss[]
  readonly deadLettered: readonly LedgerLetter[]
  /** Ids that functions saw and nobody had sent. */
  readonly unknown: readonly string[]
  /** received - (acked + dead + released + in flight), from the counters themselves and as the connector states it. */
  readonly drift: { readonly computed: number; readonly stated: number } | undefined
  /** One sentence for each promise that was not kept; empty when all were. */
  readonly problems: readonly string[]
}

/** The ids whose position lies below the next offset of their intake: what a consumer group's committed offsets cover. */
export const acknowledgedUpTo = (published: readonly PublishRecord[], next: ReadonlyMap<string, number>): readonly string[] =>
  published.flatMap((record) =>
    record.kind === 'confirmed' && record.position !== undefined && record.position.offset < (next.get(record.position.intake) ?? 0)
      ? [record.id]
      : [],
  )

/** The ids that a queue had and no longer has: what its consumers have acknowledged. */
export const acknowledgedExcept = (published: readonly PublishRecord[], remaining: Iterable<string>): readonly string[] => {
  const left = new Set(remaining)
  return published.flatMap((record) => (record.kind === 'confirmed' && !left.has(record.id) ? [record.id] : []))
}

const nameOf = (name: string, id: string): string => JSON.stringify([name, id])

const countSuccesses = (calls: readonly Call[]): ReadonlyMap<string, number> => {
  const successes = new Map<string, number>()
  for (const call of calls)
    if (call.success) successes.set(nameOf(call.function, call.id), (successes.get(nameOf(call.function, call.id)) ?? 0) + 1)
  return successes
}

const driftOf = (metrics: Metrics | undefined): Report['drift'] => {
  if (metrics === undefined) return undefined
  const total = (name: string): number => metrics.sum(`millrace_events_${name}_total`)
  const computed = total('received') - (total('acked') + total('dead') + total('released') + metrics.sum('millrace_inflight_events'))
  return { computed, stated: metrics.sum('millrace_conservation_drift') }
}

const some = (items: readonly { readonly id: string }[]): string => {
  const shown = items.slice(0, 5).map(({ id }) => id)
  return `${items.length} (${shown.join(', ')}${items.length > shown.length ? ', ...' : ''})`
}

const problemsOf = (report: Omit<Report, 'problems'>, input: ReportInput): readonly string[] => {
  const { lost, duplicated, overtakings, overlaps, acknowledgedEarly, deadLettered, unknown, drift } = report
  const problems: string[] = []
  if (lost.length > 0) problems.push(`lost: ${some(lost)}`)
  if (acknowledgedEarly.length > 0) problems.push(`acknowledged without success: ${some(acknowledgedEarly)}`)
  if (input.duplicateBound !== undefined && duplicated > input.duplicateBound) {
    problems.push(`duplicated: ${duplicated}, more than the ${input.duplicateBound} that may be: ${some(report.duplicates)}`)
  }
  if (input.order !== 'none') {
    if (overtakings.length > 0) problems.push(`out of order: ${some(overtakings)}`)
    if (overlaps.length > 0) problems.push(`two at once of one key: ${some(overlaps)}`)
  }
  if (deadLettered.length > 0 && input.lettersExpected !== true) problems.push(`dead-lettered: ${some(deadLettered)}`)
  if (unknown.length > 0) problems.push(`never sent: ${some(unknown.map((id) => ({ id })))}`)
  if (drift !== undefined && (drift.computed !== 0 || drift.stated !== 0)) {
    problems.push(`conservation drift: ${drift.computed} by the counters, ${drift.stated} as stated`)
  }
  return problems
}

/** Compares what was published with what the functions saw, what the source counts as done, and the dead letters. */
export const report = (input: ReportInput): Report => {
  const calls = callsOf(input.invocations)
  const sent = input.published.filter((record) => record.kind === 'sent')
  const confirmed = new Set(input.published.flatMap((record) => (record.kind === 'confirmed' ? [record.id] : [])))
  const known = new Set(sent.map(({ id }) => id))
  const called = [...new Set(calls.map((call) => call.function))]
  const functions = input.functions ?? (called.length > 0 ? called : [''])
  const successes = countSuccesses(calls)
  const letters = input.letters ?? []
  const lettered = new Set(
    letters.flatMap(({ id, function: name }) => (name === undefined ? functions : [name]).map((each) => nameOf(each, id))),
  )
  const missing = (ids: Iterable<string>): readonly Miss[] =>
    [...ids].flatMap((id) =>
      functions
        .filter((name) => !successes.has(nameOf(name, id)) && !lettered.has(nameOf(name, id)))
        .map((name) => ({ id, function: name })),
    )
  const duplicates = [...successes].flatMap(([name, count]): Duplicate[] => {
    const [of, id] = JSON.parse(name) as [string, string]
    return count > 1 ? [{ id, function: of, extra: count - 1 }] : []
  })
  const found: Omit<Report, 'problems'> = {
    sent: sent.length,
    confirmed: confirmed.size,
    succeeded: successes.size,
    calls: calls.length,
    cut: calls.filter((call) => call.status === 0).length,
    lost: missing(confirmed),
    duplicates,
    duplicated: duplicates.reduce((total, { extra }) => total + extra, 0),
    ...findDisorder(calls, sent, lettered),
    acknowledgedEarly: missing(new Set(input.acknowledged)),
    deadLettered: letters,
    unknown: [...new Set(calls.map(({ id }) => id))].filter((id) => !known.has(id)),
    drift: driftOf(input.metrics),
  }
  return { ...found, problems: problemsOf(found, input) }
}
