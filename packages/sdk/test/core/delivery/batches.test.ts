import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AttemptResult } from '../../../src/core/attempt.ts'
import type { FunctionPolicy } from '../../../src/core/function-policy.ts'
import { harness, policy, settled, type Call, type Harness } from './engine-harness.ts'

const batched = (more: Partial<FunctionPolicy> = {}, size = 100): FunctionPolicy =>
  policy('a', { concurrency: 1, batch: { size, windowMs: 100, maxBytes: 1e6, format: 'json' }, ...more })

const idsOf = (call: Call | undefined): string[] =>
  (JSON.parse(Buffer.from(call?.request.event.data ?? []).toString()) as { id: string }[]).map(({ id }) => id)

const failures = (...ids: string[]): string => JSON.stringify({ batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })) })

/** Answers like a function that fails for the given ids, in one of the three ways. */
const serve = async (
  h: Harness,
  bad: ReadonlySet<string>,
  how: 'names' | 'status' | 'garbage',
  rounds = 2_000,
): Promise<Map<string, number>> => {
  const sent = new Map<string, number>()
  const seen = new Set<Call>()
  for (let round = 0; round < rounds && h.engine.stats().inFlight > 0; round += 1) {
    for (const call of h.open()) {
      const ids = idsOf(call)
      if (!seen.has(call)) for (const id of ids) sent.set(id, (sent.get(id) ?? 0) + 1)
      seen.add(call)
      const failed = ids.filter((id) => bad.has(id))
      if (failed.length === 0) call.reply(200)
      else if (how === 'names') call.reply(200, { 'content-type': 'application/json' }, failures(...failed))
      else if (how === 'garbage')
        call.reply(200, { 'content-type': 'application/json' }, '{"batchItemFailures":[{"itemIdentifier":"nobody"}]}')
      else call.reply(500)
    }
    h.clock.advance(1_000)
    await settled()
  }
  return sent
}

test('a request is sent when it is full, or when its window has passed', () => {
  const h = harness([batched({}, 3)])
  h.emit('1')
  h.emit('2')
  expect(h.calls).toHaveLength(0)
  h.clock.advance(99)
  expect(h.calls).toHaveLength(0)
  h.clock.advance(1)
  expect(h.calls.map(idsOf)).toEqual([['1', '2']])
  h.calls[0]?.reply(200)
  for (const id of ['3', '4', '5', '6']) h.emit(id)
  expect(h.calls.map(idsOf)).toEqual([
    ['1', '2'],
    ['3', '4', '5'],
  ])
  expect(h.calls[0]?.request.event.attributes).toEqual([['X-Batch-Size', '2']])
})

test('an event too large for the rest goes alone', () => {
  const h = harness([batched({ batch: { size: 10, windowMs: 1, maxBytes: 100, format: 'json' } })])
  h.emit('1', { data: Buffer.alloc(60, 'x') })
  h.emit('2', { data: Buffer.alloc(60, 'x') })
  h.emit('3', { data: Buffer.alloc(200, 'x') })
  for (let n = 0; n < 3; n += 1) {
    h.clock.advance(1)
    h.open()[0]?.reply(200)
  }
  expect(h.calls.map(idsOf)).toEqual([['1'], ['2'], ['3']])
})

test('T25: of a hundred with one bad, named by the function, the 99 are not repeated', async () => {
  const h = harness([batched()])
  for (let n = 0; n < 100; n += 1) h.emit(`${n}`)
  const sent = await serve(h, new Set(['42']), 'names')
  expect(sent.get('42')).toBeGreaterThan(1)
  expect([...sent].filter(([id, times]) => id !== '42' && times !== 1)).toEqual([])
  expect(h.letters.map((l) => [l.event.id, l.reason, l.attempts])).toEqual([['42', 'exhausted', 10]])
})

test.each(['status', 'garbage'] as const)('T25 T26: with a failure that names nobody (%s) halves find the bad one', async (how) => {
  const h = harness([batched()])
  for (let n = 0; n < 100; n += 1) h.emit(`${n}`)
  const sent = await serve(h, new Set(['42']), how)
  // ceil(log2 100) = 7 more times at most, for those that were in a request with the bad one.
  expect(Math.max(...[...sent].filter(([id]) => id !== '42').map(([, times]) => times))).toBeLessThanOrEqual(8)
  expect(h.engine.stats()).toMatchObject({ acked: 99, dead: 1, drift: 0 })
})

describe('the breaker and a batch that fails as a whole', () => {
  const hundred = (h: Harness): void => {
    for (let n = 0; n < 100; n += 1) h.emit(`${n}`, { key: `k${n}` })
  }

  test.each([
    ['none', 1],
    ['none', 32],
    ['key', 1],
    ['key', 32],
  ] as const)(
    'T25: one poison item of a hundred is dead-lettered without opening it (order %s, %d at once)',
    async (order, concurrency) => {
      for (const poison of ['0', '42', '99']) {
        const h = harness([batched({ order, concurrency })])
        hundred(h)
        await serve(h, new Set([poison]), 'status', 600)
        expect(h.breakers).toEqual([])
        expect(h.letters.map(({ event, reason, attempts }) => [event.id, reason, attempts])).toEqual([[poison, 'exhausted', 10]])
        expect(h.engine.stats()).toMatchObject({ acked: 99, dead: 1, drift: 0 })
      }
    },
  )

  test('T25: in a lane, where the event before it has just succeeded', async () => {
    const h = harness([batched({ order: 'partition' })])
    hundred(h)
    await serve(h, new Set(['42']), 'status', 1_200)
    expect(h.breakers).toEqual([])
    expect(h.engine.stats()).toMatchObject({ acked: 99, dead: 1, drift: 0 })
  })

  test.each(['none', 'key', 'partition'] as const)(
    'T18: a function that is down opens it, and nothing is dead-lettered (order %s)',
    async (order) => {
      const h = harness([batched({ order, concurrency: 32 })])
      hundred(h)
      await serve(h, new Set(Array.from({ length: 100 }, (_, n) => `${n}`)), 'status', 1_800)
      expect(h.breakers[0]).toBe('a open')
      expect(h.letters).toEqual([])
      const untilOpen = h.calls.filter(({ at }) => at < 30_000).length
      expect(untilOpen).toBeLessThanOrEqual(16)
    },
  )

  test('T18: one that goes down while a poison item is looked for opens it, and nothing but that item is dead-lettered', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 24 }),
        fc.nat(99),
        fc.constantFrom('none' as const, 'key' as const, 'partition' as const),
        async (good, poison, order) => {
          const h = harness([batched({ order })])
          hundred(h)
          let answered = 0
          for (let round = 0; round < 1_800; round += 1) {
            for (const call of h.open()) {
              const bad = (answered += 1) > good || idsOf(call).includes(`${poison}`)
              call.reply(bad ? 500 : 200)
            }
            h.clock.advance(1_000)
            await settled()
          }
          expect(h.letters.filter(({ event }) => event.id !== `${poison}`)).toEqual([])
          const left = [...h.seen.values()].filter(({ acked }) => acked.length === 0)
          if (left.length > 1) expect(h.breakers[0]).toBe('a open')
        },
      ),
      { numRuns: 30 },
    )
  })
})

test('order is kept within a lane: nothing passes the first that failed', async () => {
  const h = harness([batched({ order: 'key' }, 4)])
  for (let n = 1; n <= 4; n += 1) h.emit(`k-${n}`, { key: 'k' })
  expect(idsOf(h.calls[0])).toEqual(['k-1', 'k-2', 'k-3', 'k-4'])
  h.calls[0]?.reply(200, { 'content-type': 'application/json' }, failures('k-2'))
  expect(h.seen.get('k-1')?.acked).toHaveLength(1)
  expect(h.seen.get('k-3')?.acked).toHaveLength(0)
  h.clock.advance(1_000)
  expect(idsOf(h.calls[1])).toEqual(['k-2', 'k-3', 'k-4'])
})

test('a gateway that is away, or a 429, costs no halves', async () => {
  const h = harness([batched({}, 4)])
  for (let n = 1; n <= 4; n += 1) h.emit(`${n}`)
  h.calls[0]?.fail('connect')
  h.clock.advance(60_000)
  expect(idsOf(h.calls[1])).toHaveLength(4)
  h.calls[1]?.reply(429, { 'retry-after': '2' })
  h.clock.advance(2_100)
  expect(idsOf(h.calls[2])).toHaveLength(4)
})

test('items carry what a function needs: text, bytes that are not text, headers, key and attempt', () => {
  const h = harness([batched({}, 2)])
  h.emit('1', { key: 'k', data: Buffer.from('{"n":1}') })
  h.emit('2', { data: Buffer.from([0xff, 0xfe]) })
  expect(JSON.parse(Buffer.from(h.calls[0]?.request.event.data ?? []).toString())).toEqual([
    { id: '1', topic: 't', key: 'k', headers: {}, data: '{"n":1}', attempt: 1 },
    { id: '2', topic: 't', headers: {}, dataBase64: '//4=', attempt: 1 },
  ])
})

test('a CloudEvents batch is one', () => {
  const h = harness([batched({ batch: { size: 2, windowMs: 1, maxBytes: 1e6, format: 'cloudevents' } })])
  h.emit('1', { key: 'k' })
  h.emit('2')
  const { event } = h.calls[0]?.request ?? {}
  expect(event?.contentType).toBe('application/cloudevents-batch+json')
  expect(JSON.parse(Buffer.from(event?.data ?? []).toString())).toMatchObject([
    { specversion: '1.0', id: '1', source: 'test', partitionkey: 'k' },
    { id: '2' },
  ])
})

test('whatever fails and however: each event is settled once, lanes keep their order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ key: fc.nat(2), bad: fc.boolean() }), { minLength: 1, maxLength: 40 }),
      fc.constantFrom('names' as const, 'status' as const, 'garbage' as const),
      fc.constantFrom('none' as const, 'key' as const, 'partition' as const),
      fc.integer({ min: 2, max: 12 }),
      async (events, how, order, size) => {
        const h = harness([batched({ order, retry: { ...policy('a').retry, attempts: 3 } }, size)])
        events.forEach((event, n) => h.emit(`${n}`, { key: `k${event.key}` }))
        const bad = new Set(events.flatMap((event, n) => (event.bad ? [`${n}`] : [])))
        await serve(h, bad, how, 20_000)
        expect(h.engine.stats()).toMatchObject({
          inFlight: 0,
          drift: 0,
          inFlightAttempts: 0,
          dead: bad.size,
          acked: events.length - bad.size,
        })
        const laneOf = (id: string): string => (order === 'none' ? id : order === 'key' ? `${events[Number(id)]?.key}` : '')
        const done = h.reports.filter((r) => r.outcome.kind === 'done' || r.outcome.kind === 'dead-letter').map((r) => r.event.id)
        const seen = new Map<string, number>()
        for (const id of done) {
          expect(Number(id), `lane ${laneOf(id)}`).toBeGreaterThanOrEqual(seen.get(laneOf(id)) ?? 0)
          seen.set(laneOf(id), Number(id))
        }
      },
    ),
    { numRuns: 60 },
  )
})

/** The reply of a function that was cut at the cap is S11: nothing is known of the batch. */
test('T26: a reply over the cap means that all failed', () => {
  const h = harness([batched({}, 2)])
  h.emit('1')
  h.emit('2')
  const cut: AttemptResult = {
    kind: 'response',
    reply: { status: 200, headers: {}, body: Buffer.from('{"batchItem'), truncated: true },
    durationMs: 1,
  }
  h.calls[0]?.answer(cut)
  expect(h.reports.map((r) => r.row)).toEqual(['S11', 'S11'])
})
