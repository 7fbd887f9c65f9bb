import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { FunctionPolicy } from '../../../src/core/function-policy.ts'
import { harness, policy, settled, type Call, type Harness } from './engine-harness.ts'

/** One thing that may happen to a connector; numbers choose among what there is. */
type Step =
  | { kind: 'emit'; intake: number; key: number; topic: number }
  | { kind: 'answer'; which: number; status: number }
  | { kind: 'fail'; which: number }
  | { kind: 'advance'; ms: number }
  | { kind: 'revoke'; intake: number; drainMs: number }

const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('emit' as const), intake: fc.nat(2), key: fc.nat(3), topic: fc.nat(3) }) },
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant('answer' as const),
        which: fc.nat(50),
        status: fc.constantFrom(200, 200, 200, 200, 204, 500, 503, 429, 400, 404, 401, 302, 410, 501),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('fail' as const), which: fc.nat(50) }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.constantFrom(1, 100, 1_000, 30_000, 300_000) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('revoke' as const), intake: fc.nat(2), drainMs: fc.constantFrom(0, 500) }) },
  ),
  { maxLength: 120 },
)

const policies: readonly FunctionPolicy[] = [
  policy('none', { order: 'none', concurrency: 3 }),
  policy('key', { order: 'key', concurrency: 4 }),
  policy('part', { order: 'partition', concurrency: 2, ratePerSecond: 50 }),
]
const topics = ['t', 'none', 'key', 'part']
const maxInFlight = 6

interface Model {
  readonly h: Harness
  count: number
}

const apply = async (model: Model, step: Step): Promise<void> => {
  const { h } = model
  const open = h.open()
  const pick = (which: number): Call | undefined => open[which % Math.max(1, open.length)]
  if (step.kind === 'emit') {
    model.count += 1
    h.emit(`${model.count}`, { intake: `p${step.intake}`, key: `k${step.key}`, topic: topics[step.topic] ?? 't' })
  } else if (step.kind === 'answer') pick(step.which)?.reply(step.status)
  else if (step.kind === 'fail') pick(step.which)?.fail('connect')
  else if (step.kind === 'advance') h.clock.advance(step.ms)
  else void h.engine.revoke((intake) => intake.name === `p${step.intake}`, step.drainMs, 'revoked')
  await settled()
}

/** What must hold after every step. */
const invariants = ({ h }: Model): void => {
  const stats = h.engine.stats()
  expect(stats.drift).toBe(0)
  expect(h.open().length).toBeLessThanOrEqual(maxInFlight)
  for (const p of policies) {
    expect(h.open().filter((c) => c.request.function === p.function).length).toBeLessThanOrEqual(p.concurrency)
  }
  for (const { acked, released, id } of h.seen.values()) {
    expect(acked.length + released.length, `event ${id} left once`).toBeLessThanOrEqual(1)
  }
}

/** An event may run only after every earlier one of its lane has been settled or given back. */
const keepsOrder = (h: Harness, name: 'key' | 'part', laneOf: (call: Call) => string): void => {
  const last = new Map<string, number>()
  for (const call of h.calls.filter((c) => c.request.function === name)) {
    const n = Number(call.request.event.id)
    const lane = laneOf(call)
    expect(n, `${name}: ${n} after ${last.get(lane)}`).toBeGreaterThanOrEqual(last.get(lane) ?? 0)
    last.set(lane, n)
  }
}

test('whatever happens: each event leaves once, lanes keep their order, limits hold, the books balance', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (given) => {
      const where = new Map<string, string>()
      const model: Model = {
        h: harness(policies, { limits: { maxInFlight, maxEvents: 1_000, maxBytes: 1e6, window: 500, maxEventBytes: 1e6 } }),
        count: 0,
      }
      for (const step of given) {
        if (step.kind === 'emit') where.set(`${model.count + 1}`, `p${step.intake}`)
        await apply(model, step)
        invariants(model)
      }
      keepsOrder(model.h, 'part', (c) => where.get(c.request.event.id) ?? '')
      keepsOrder(model.h, 'key', (c) => `${where.get(c.request.event.id)} ${c.request.event.orderingKey}`)
      await finish(model)
    }),
    { numRuns: 150 },
  )
})

/** In the end, with functions that answer well, every event that was not given back is acknowledged. */
const finish = async ({ h }: Model): Promise<void> => {
  for (let round = 0; round < 3_000 && h.engine.stats().inFlight > 0; round += 1) {
    for (const call of h.open()) call.reply(200)
    h.clock.advance(10_000)
    await settled()
  }
  expect(h.engine.stats()).toMatchObject({ inFlight: 0, drift: 0, queuedBytes: 0 })
  for (const { acked, released, id } of h.seen.values()) expect(acked.length + released.length, `event ${id}`).toBe(1)
}

test('an acknowledged event has a result for every function that wants it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(200, 400, 500, 503), { minLength: 1, maxLength: 30 }), async (statuses) => {
      const h = harness(policies)
      const seen = h.emit('1', { key: 'k' })
      for (const status of [...statuses, 200, 200, 200]) {
        h.open()[0]?.reply(status)
        h.clock.advance(400_000)
        await settled()
      }
      for (let round = 0; round < 100 && seen.acked.length === 0; round += 1) {
        for (const call of h.open()) call.reply(200)
        h.clock.advance(400_000)
        await settled()
      }
      expect(seen.acked[0]?.results.map((r) => r.target.function).toSorted()).toEqual(['key', 'none', 'part'])
    }),
    { numRuns: 100 },
  )
})

test('round-robin: a function with a long queue does not hold up another', () => {
  const h = harness([policy('a', { concurrency: 100 }), policy('b', { concurrency: 100 })], {
    limits: { maxInFlight: 4, maxEvents: 1_000, maxBytes: 1e6, window: 500, maxEventBytes: 1e6 },
  })
  for (let n = 0; n < 100; n += 1) h.emit(`a${n}`, { topic: 'a' })
  for (let n = 0; n < 10; n += 1) h.emit(`b${n}`, { topic: 'b' })
  for (let n = 0; n < 24; n += 1) h.open()[0]?.reply(200)
  expect(h.calls.slice(4, 24).filter((c) => c.request.function === 'b')).toHaveLength(10)
})

test('back-pressure pauses at the bound, takes what still comes, and resumes at half', () => {
  const h = harness([policy('a', { concurrency: 1 })], {
    limits: { maxInFlight: 10, maxEvents: 8, maxBytes: 1e6, window: 4, maxEventBytes: 1e6 },
  })
  for (let n = 0; n < 10; n += 1) h.emit(`${n}`)
  expect(h.paused).toEqual(['p0', undefined])
  const answered: (string | undefined)[][] = []
  for (let n = 0; n < 10; n += 1) {
    h.open()[0]?.reply(200)
    answered.push([...h.resumed])
  }
  // All resume at 4 of 8, the intake at 2 of 4.
  expect(answered[4]).toEqual([])
  expect(answered[5]).toEqual([undefined])
  expect(answered[7]).toEqual([undefined, 'p0'])
  expect(h.engine.stats()).toMatchObject({ received: 10, acked: 10, pausedIntakes: 0 })
})

test('the span behind a stuck event is bounded where positions are prefixes', () => {
  const h = harness([policy('a', { order: 'none' })], {
    source: { position: 'prefix' },
    limits: { maxInFlight: 10, maxEvents: 1_000, maxBytes: 1e6, window: 5, maxEventBytes: 1e6 },
  })
  h.emit('stuck')
  for (let n = 0; n < 4; n += 1) {
    h.emit(`${n}`)
    h.open()[1]?.reply(200)
  }
  expect(h.paused).toEqual(['p0'])
  expect(h.engine.stats().inFlight).toBe(1)
  h.open()[0]?.reply(200)
  expect(h.resumed).toEqual(['p0'])
})

test('an annotated rate is kept', () => {
  const h = harness([policy('a', { ratePerSecond: 20, concurrency: 1_000 })], {
    limits: { maxInFlight: 1_000, maxEvents: 10_000, maxBytes: 1e6, window: 10_000, maxEventBytes: 1e6 },
  })
  for (let n = 0; n < 200; n += 1) h.emit(`${n}`)
  for (let n = 0; n < 500; n += 1) h.clock.advance(10)
  // Five seconds at 20/s, and two at once in the beginning.
  expect(h.calls.length).toBeGreaterThanOrEqual(100)
  expect(h.calls.length).toBeLessThanOrEqual(102)
})

test('a removed function’s waiting routes are dropped and counted; the rest of the event goes on', () => {
  const h = harness([policy('a', { order: 'key' }), policy('b')])
  const seen = h.emit('1', { key: 'k' })
  const behind = h.emit('2', { key: 'k' })
  h.calls.find((c) => c.request.function === 'a')?.reply(500)
  h.setPolicies([policy('b')])
  for (const call of h.open()) call.reply(200)
  expect(seen.acked[0]?.results.map((r) => `${r.target.function} ${r.outcome}`).toSorted()).toEqual(['a dropped', 'b done'])
  expect(behind.acked).toHaveLength(1)
})

test('a revoke freezes, drains what is in flight and releases the rest; late results are fenced', async () => {
  const h = harness([policy('a', { concurrency: 1 })])
  const running = h.emit('1', { intake: 'p0' })
  const queued = h.emit('2', { intake: 'p0' })
  const other = h.emit('3', { intake: 'p1' })
  const revoked = h.engine.revoke((intake) => intake.name === 'p0', 1_000, 'revoked')
  expect(queued.released).toEqual(['revoked'])
  expect(running.released).toEqual([])
  h.calls[0]?.reply(200)
  await revoked
  expect(running.acked).toHaveLength(1)
  h.calls[1]?.reply(200)
  expect(other.acked).toHaveLength(1)

  const late = h.emit('4', { intake: 'p0' })
  const second = h.engine.revoke(() => true, 1_000, 'revoked')
  h.clock.advance(1_000)
  await second
  expect(late.released).toEqual(['revoked'])
  h.open()[0]?.reply(200)
  expect(late.acked).toEqual([])
  expect(h.engine.stats()).toMatchObject({ drift: 0, inFlight: 0, inFlightAttempts: 0 })
})

test('a drain does not wait for a route that would be tried again', async () => {
  const h = harness([policy('a')])
  const failing = h.emit('1')
  const good = h.emit('2')
  let over = false
  const drained = h.engine.revoke(() => true, 25_000, 'drain').then(() => (over = true))
  h.calls[0]?.reply(500)
  expect(failing.released).toEqual(['drain'])
  h.calls[1]?.reply(200)
  await drained
  expect([over, good.acked.length]).toEqual([true, 1])
})
