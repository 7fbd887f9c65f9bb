import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseMetrics } from '../processes/metrics.ts'
import type { InvocationRecord, PublishRecord } from './records.ts'
import { acknowledgedUpTo, report, type ReportInput } from './report.ts'

interface Planned {
  readonly id: string
  readonly key: string
  readonly sequence: number
}

const eventsOf = (keys: number, perKey: number): readonly Planned[] =>
  Array.from({ length: keys * perKey }, (_, index) => ({ id: `e${index}`, key: `k${index % keys}`, sequence: Math.floor(index / keys) }))

const published = (events: readonly Planned[]): readonly PublishRecord[] =>
  events.flatMap((event, index): PublishRecord[] => [
    { kind: 'sent', ...event },
    { kind: 'confirmed', id: event.id, position: { intake: 'p0', offset: index } },
  ])

/** The function's side, written as it would be: calls get their numbers, lines their order. */
const side = (): {
  readonly records: InvocationRecord[]
  readonly begin: (event: Planned, attempt?: number) => number
  readonly end: (call: number, status?: number) => void
  readonly run: (event: Planned, status?: number, attempt?: number) => void
  readonly boot: () => void
} => {
  const records: InvocationRecord[] = [{ kind: 'boot', at: 0 }]
  let calls = 0
  const begin = (event: Planned, attempt = 1): number => {
    records.push({ kind: 'start', call: calls, function: 'f', ...event, attempt, at: records.length })
    return calls++
  }
  const end = (call: number, status = 200): void => void records.push({ kind: 'end', call, status, at: records.length })
  return {
    records,
    begin,
    end,
    run: (event, status, attempt) => end(begin(event, attempt), status),
    boot: () => {
      calls = 0
      records.push({ kind: 'boot', at: records.length })
    },
  }
}

const events = eventsOf(2, 3)
const [first, second, third] = events as [Planned, Planned, Planned]

const problems = (invocations: readonly InvocationRecord[], more: Partial<ReportInput> = {}): readonly string[] =>
  report({ published: published(events), invocations, ...more }).problems

describe('a clean run has no problem', () => {
  test('each event once', () => {
    const { records, run } = side()
    for (const event of events) run(event)
    const acknowledged = events.map(({ id }) => id)
    const found = report({ published: published(events), invocations: records, acknowledged, duplicateBound: 0 })
    expect(found.problems).toEqual([])
    expect(found).toMatchObject({ sent: 6, confirmed: 6, succeeded: 6, calls: 6, cut: 0, duplicated: 0 })
  })

  test('failed attempts before the success are neither duplicates nor disorder', () => {
    const { records, run } = side()
    for (const event of events) {
      run(event, 500, 1)
      run(event, 0, 2)
      run(event, 200, 3)
    }
    const found = report({ published: published(events), invocations: records, duplicateBound: 0 })
    expect(found.problems).toEqual([])
    expect(found).toMatchObject({ calls: 18, cut: 6, succeeded: 6 })
  })

  test('keys beside each other', () => {
    const { records, begin, end } = side()
    const calls = [begin(first), begin(second)]
    calls.forEach((call) => end(call))
    for (const event of events.slice(2)) end(begin(event))
    expect(problems(records)).toEqual([])
  })

  test('an event that was sent and never confirmed may be there or not', () => {
    const { records, run } = side()
    for (const event of events.slice(0, 5)) run(event)
    const unsure: PublishRecord[] = [
      ...published(events.slice(0, 4)),
      { kind: 'sent', ...(events[4] as Planned) },
      { kind: 'sent', ...(events[5] as Planned) },
    ]
    expect(report({ published: unsure, invocations: records }).problems).toEqual([])
  })

  test('a repeat after a crash is a duplicate within its bound, and no disorder', () => {
    const { records, run, begin } = side()
    run(first)
    run(third)
    begin(events[4] as Planned)
    // Killed; the position was before the first event.
    records.push({ kind: 'end', call: 2, status: 0, at: 0 })
    for (const event of events) run(event)
    const found = report({ published: published(events), invocations: records, duplicateBound: 2 })
    expect(found.problems).toEqual([])
    expect(found.duplicates.map(({ id }) => id)).toEqual(['e0', 'e2'])
    expect(found.cut).toBe(1)
  })
})

describe('a planted fault is found', () => {
  test('T1 a loss', () => {
    const { records, run } = side()
    for (const event of events.filter((each) => each !== second)) run(event)
    expect(problems(records)).toEqual(['lost: 1 (e1)'])
  })

  test('an event that only ever failed is lost', () => {
    const { records, run } = side()
    for (const event of events) run(event, event === events[5] ? 500 : 200)
    expect(problems(records)).toEqual(['lost: 1 (e5)'])
  })

  test('one function of two lost it', () => {
    const { records, run } = side()
    for (const event of events) run(event)
    expect(problems(records, { functions: ['f', 'g'] })).toEqual(['lost: 6 (e0, e1, e2, e3, e4, ...)'])
  })

  test('a duplicate over the bound', () => {
    const { records, run } = side()
    for (const event of events) run(event)
    run(first)
    run(second)
    expect(problems(records, { duplicateBound: 1 })).toEqual(['duplicated: 2, more than the 1 that may be: 2 (e0, e1)'])
  })

  test('a later event of a key before an earlier one', () => {
    const { records, run } = side()
    for (const event of [third, second, first, ...events.slice(3)]) run(event)
    expect(problems(records)).toEqual(['out of order: 1 (e2)'])
    expect(problems(records, { order: 'none' })).toEqual([])
  })

  test('a later event of a key while an earlier one waits for its retry', () => {
    const { records, run } = side()
    run(first, 503)
    run(third)
    run(first, 200, 2)
    for (const event of events.filter((each) => each !== first && each !== third)) run(event)
    expect(report({ published: published(events), invocations: records }).overtakings).toEqual([
      { function: 'f', key: 'k0', id: 'e2', before: 'e0' },
    ])
  })

  test('two at once of one key', () => {
    const { records, begin, end, run } = side()
    const calls = [begin(first), begin(first, 2)]
    calls.forEach((call) => end(call))
    for (const event of events.slice(1)) run(event)
    expect(problems(records)).toEqual(['two at once of one key: 1 (e0)'])
  })

  test('an acknowledgement without success', () => {
    const { records, run } = side()
    run(first)
    run(second, 500)
    const acknowledged = acknowledgedUpTo(published(events), new Map([['p0', 3]]))
    expect(acknowledged).toEqual(['e0', 'e1', 'e2'])
    expect(report({ published: published(events), invocations: records, acknowledged }).acknowledgedEarly.map(({ id }) => id)).toEqual([
      'e1',
      'e2',
    ])
  })

  test('a dead letter that nobody expects, and it is not lost', () => {
    const { records, run } = side()
    for (const event of events) run(event, event === third ? 400 : 200)
    const letters = [{ id: 'e2', function: 'f', reason: 'status' }]
    expect(problems(records, { letters })).toEqual(['dead-lettered: 1 (e2)'])
    expect(problems(records, { letters, lettersExpected: true })).toEqual([])
  })

  test('an event that nobody sent', () => {
    const { records, run } = side()
    for (const event of events) run(event)
    run({ id: 'ghost', key: 'k0', sequence: 9 })
    expect(problems(records)).toEqual(['never sent: 1 (ghost)'])
  })

  test.each([
    ['by the counters', 'millrace_events_received_total 7\nmillrace_events_acked_total 5\nmillrace_inflight_events 1\n', [1, 0]],
    ['as stated', 'millrace_conservation_drift -2\n', [0, -2]],
  ] as const)('conservation drift %s', (_name, text, [computed, stated]) => {
    const { records, run } = side()
    for (const event of events) run(event)
    expect(problems(records, { metrics: parseMetrics(text) })).toEqual([
      `conservation drift: ${computed} by the counters, ${stated} as stated`,
    ])
  })
})

test('what was open when the function side was killed ended there, and does not overlap what came after', () => {
  const { records, begin, run, boot } = side()
  begin(first)
  boot()
  for (const event of events) run(event)
  expect(report({ published: published(events), invocations: records }).problems).toEqual([])
})

/** A faithful connector: one lane a key, retries, crashes that repeat what was done above the position. */
const faithful = (seed: readonly number[]): readonly InvocationRecord[] => {
  const { records, run, begin, end } = side()
  const lanes = new Map<string, Planned[]>()
  for (const event of events) lanes.set(event.key, [...(lanes.get(event.key) ?? []), event])
  let cursors = new Map([...lanes.keys()].map((key) => [key, 0]))
  for (const choice of seed) {
    const open = [...lanes].filter(([key, lane]) => (cursors.get(key) ?? 0) < lane.length)
    const [key, lane] = open[choice % Math.max(1, open.length)] ?? []
    if (key === undefined || lane === undefined) break
    const event = lane[cursors.get(key) ?? 0] as Planned
    if (choice % 7 === 0) cursors = new Map([...cursors].map(([name]) => [name, 0]))
    else if (choice % 5 === 0) run(event, 503)
    else if (choice % 3 === 0) end(begin(event), 0)
    else {
      run(event)
      cursors.set(key, (cursors.get(key) ?? 0) + 1)
    }
  }
  for (const [key, lane] of lanes) for (const event of lane.slice(cursors.get(key))) run(event)
  return records
}

const seeds = fc.array(fc.nat(1000), { maxLength: 60 })

test('no run of a faithful connector has a problem', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      expect(problems(faithful(seed))).toEqual([])
    }),
  )
})

test('any event that is taken out of any such run is found', () => {
  fc.assert(
    fc.property(seeds, fc.integer({ min: 0, max: events.length - 1 }), (seed, index) => {
      const gone = new Set(faithful(seed).flatMap((record) => (record.kind === 'start' && record.id === `e${index}` ? [record.call] : [])))
      const left = faithful(seed).filter((record) => record.kind === 'boot' || !gone.has(record.call))
      expect(problems(left)).toEqual([`lost: 1 (e${index})`])
    }),
  )
})
