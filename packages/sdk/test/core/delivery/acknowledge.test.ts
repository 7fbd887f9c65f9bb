import { expect, test } from 'vitest'
import type { Target } from '../../../src/contract/delivery.ts'
import { harness, policy, settled } from './engine-harness.ts'

test('an event is acknowledged after its function has succeeded, not before', () => {
  const h = harness([policy('a')])
  const seen = h.emit('1')
  expect(seen.acked).toEqual([])
  h.calls[0]?.reply(200)
  expect(seen.acked).toEqual([
    { results: [{ target: expect.objectContaining({ function: 'a', attempts: 1 }), outcome: 'done', status: 200 }] },
  ])
  expect(h.engine.stats()).toMatchObject({ received: 1, acked: 1, inFlight: 0, drift: 0 })
})

test('with two functions, the one that failed is called again and the other is not', () => {
  const h = harness([policy('a'), policy('b')])
  const seen = h.emit('1')
  h.calls[0]?.reply(200)
  h.calls[1]?.reply(500)
  expect(seen.acked).toEqual([])
  h.clock.advance(500)
  expect(h.calls.map((c) => `${c.request.function}#${c.request.attempt}`)).toEqual(['a#1', 'b#1', 'b#2'])
  h.calls[2]?.reply(204)
  expect(seen.acked).toHaveLength(1)
  expect(seen.acked[0]?.results.map((r) => [r.target.function, r.target.attempts])).toEqual([
    ['a', 1],
    ['b', 2],
  ])
})

test('a letter is durable before the acknowledgement, and a failing sink is tried for ever', async () => {
  let fail = 3
  const written: string[] = []
  const h = harness([policy('a')], {
    deadLetters: {
      name: 'flaky',
      write: async (letter) => {
        fail -= 1
        if (fail >= 0) throw new Error('disk full')
        written.push(`${letter.function} ${letter.reason}`)
      },
    },
  })
  const seen = h.emit('1')
  h.calls[0]?.reply(400)
  for (let write = 0; write < 3; write += 1) {
    await settled()
    expect(seen.acked).toEqual([])
    h.clock.advance(60_000)
  }
  await settled()
  expect(written).toEqual(['a rejected'])
  expect(seen.acked[0]?.results[0]).toMatchObject({ outcome: 'dead-lettered', reason: 'rejected', status: 400 })
  expect(h.engine.stats()).toMatchObject({ dead: 1, acked: 0, drift: 0 })
})

test('without a place for letters the event waits and is tried again slowly', () => {
  const h = harness([policy('a')], { deadLetters: undefined })
  const seen = h.emit('1')
  h.calls[0]?.reply(400)
  expect(h.reports[0]?.outcome).toEqual({ kind: 'hold', afterMs: 300_000, reason: 'rejected' })
  h.clock.advance(299_999)
  expect(h.calls).toHaveLength(1)
  h.clock.advance(1)
  h.calls[1]?.reply(200)
  expect(seen.acked).toHaveLength(1)
})

test('a written policy drops, and says so in the settlement', () => {
  const h = harness([policy('a', { deadLetter: 'drop' })])
  const seen = h.emit('1')
  h.calls[0]?.reply(400)
  expect(seen.acked[0]?.results[0]).toMatchObject({ outcome: 'dropped', reason: 'rejected' })
  expect(h.letters).toEqual([])
})

test('an event nobody wants is acknowledged, held or dead-lettered, as the policy says', async () => {
  const ack = harness([policy('a')])
  expect(ack.emit('1', { topic: 'other' }).acked).toEqual([{ results: [] }])

  const hold = harness([policy('a')], { unmatched: 'hold' })
  const held = hold.emit('1', { topic: 'b' })
  expect(held.acked).toEqual([])
  hold.setPolicies([policy('a'), policy('b')])
  hold.calls[0]?.reply(200)
  expect(held.acked).toHaveLength(1)

  // Without a place for dead letters it stays too, and a later map may want it.
  const stuck = harness([policy('a')], { unmatched: 'dead-letter', deadLetters: undefined })
  const waiting = stuck.emit('1', { topic: 'b' })
  stuck.setPolicies([policy('a')])
  expect([waiting.acked, stuck.calls]).toEqual([[], []])
  stuck.setPolicies([policy('a'), policy('b')])
  stuck.calls[0]?.reply(200)
  expect(waiting.acked).toHaveLength(1)

  const bury = harness([policy('a')], { unmatched: 'dead-letter' })
  const buried = bury.emit('1', { topic: 'other' })
  await settled()
  expect(bury.letters[0]).toMatchObject({ reason: 'unmatched' })
  expect(buried.acked).toHaveLength(1)
})

test('an unreadable or too large event goes to the dead letters without a call (T32)', async () => {
  const h = harness([policy('a')], { limits: { maxInFlight: 1, maxEvents: 10, maxBytes: 1000, window: 10, maxEventBytes: 8 } })
  h.emit('1', { unreadable: { reason: 'decode', detail: 'no schema' } })
  h.emit('2', { data: new Uint8Array(9) })
  h.emit('3', { data: new Uint8Array(8) })
  await settled()
  expect(h.letters.map((l) => [l.event.id, l.reason])).toEqual([
    ['1', 'decode'],
    ['2', 'too-large'],
  ])
  expect(h.calls.map((c) => c.request.event.id)).toEqual(['3'])
})

test('letters of events that others may share the id with have an id of their own, since they may die in the same millisecond', async () => {
  const random = [0.25, 0.75]
  const h = harness([policy('a')], { random: () => random.shift() ?? 0.5 })
  const event = { id: '1', source: 'test', type: 'test', topic: 't', data: new Uint8Array(0), headers: [] }
  for (const ambiguousId of [true, true, false]) h.emit('1', { event: { ...event, ambiguousId } })
  for (const call of h.open()) call.reply(400)
  await settled()
  expect(new Set(h.letters.map(({ diedAt }) => diedAt)).size).toBe(1)
  const [one, other, none] = h.letters
  expect(one?.letterId).toMatch(/^[0-9a-z]{1,11}$/)
  expect(other?.letterId).toMatch(/^[0-9a-z]{1,11}$/)
  expect(other?.letterId).not.toBe(one?.letterId)
  expect(none).not.toHaveProperty('letterId')
})

test('a filtered event counts as settled for that function', () => {
  const h = harness([policy('a', { filter: (event) => event.id === 'x' }), policy('b')])
  const seen = h.emit('1')
  expect(h.calls.map((c) => c.request.function)).toEqual(['b'])
  h.calls[0]?.reply(200)
  expect(seen.acked[0]?.results.map((r) => r.outcome)).toEqual(['filtered', 'done'])
})

test('the filter of a target is asked where the delivery says so, and not of what is tried again', () => {
  const h = harness([policy('a', { filter: (event) => event.id === 'x' })])
  const again = h.emit('1', { targets: [{ function: 'a', attempts: 0 }] })
  const fresh = h.emit('2', { targets: [{ function: 'a', attempts: 0 }], asksFilter: true })
  h.emit('x', { targets: [{ function: 'a', attempts: 0 }], asksFilter: true })
  expect(h.calls.map((c) => c.request.event.id)).toEqual(['1', 'x'])
  expect(fresh.acked[0]?.results.map((r) => r.outcome)).toEqual(['filtered'])
  expect(again.acked).toEqual([])
})

test('targets name the functions of a retry copy; a name the map does not list is never called', () => {
  const h = harness([policy('a'), policy('b')])
  const seen = h.emit('1', {
    targets: [
      { function: 'b', attempts: 3 },
      { function: '../system/secrets', attempts: 0 },
    ],
  })
  expect(h.calls.map((c) => `${c.request.function}#${c.request.attempt}`)).toEqual(['b#4'])
  h.calls[0]?.reply(200)
  expect(seen.acked[0]?.results.map((r) => r.outcome)).toEqual(['dropped', 'done'])
})

test('async 202 settles as accepted', () => {
  const h = harness([policy('a', { async: true })])
  const seen = h.emit('1')
  h.calls[0]?.reply(202)
  expect(seen.acked[0]?.results[0]).toMatchObject({ outcome: 'accepted', status: 202 })
})

test('an acknowledgement that is refused counts as given back', async () => {
  const h = harness([policy('a')])
  h.emit('1', { ack: () => Promise.reject(new Error('channel closed')) })
  h.calls[0]?.reply(200)
  await settled()
  expect(h.engine.stats()).toMatchObject({ released: 1, acked: 0, inFlight: 0, drift: 0 })
})

test('a delayed retry is taken over by the source when it can, and settles as deferred', async () => {
  const deferred: unknown[] = []
  const h = harness([policy('a', { retry: { ...policy('a').retry, minWaitMs: 8_000 } })], {
    source: {
      defer: async (delivery, routes, afterMs) => {
        deferred.push([delivery.event.id, routes[0]?.attempts, afterMs])
        return true
      },
    },
  })
  const seen = h.emit('1')
  h.calls[0]?.reply(500)
  await settled()
  expect(deferred).toEqual([['1', 1, 8_000]])
  expect(seen.acked[0]?.results[0]).toMatchObject({ outcome: 'deferred' })
})

const slow = policy('a', { retry: { ...policy('a').retry, minWaitMs: 5_000, maxWaitMs: 60_000, jitter: 'none' } })

/** A source that takes every wait over and gives the retry back at once. Answers with the waits that it was told. */
const deferring = async (status: number, most: number) => {
  const waits: number[] = []
  const back: Target[] = []
  const h = harness([slow], {
    source: {
      defer: (_delivery, routes, afterMs) => {
        waits.push(afterMs)
        back.push(...routes)
        h.clock.advance(afterMs)
        return Promise.resolve(true)
      },
    },
  })
  h.emit('1')
  for (let n = 0; n < most && h.letters.length === 0; n += 1) {
    for (const call of h.open()) call.reply(status)
    await settled()
    const targets = back.splice(0)
    if (targets.length > 0) h.emit('1', { targets })
    else h.clock.advance(10_000)
    await settled()
  }
  return { h, waits }
}

test('waits go on growing over those that the source has taken over', async () => {
  const { waits } = await deferring(500, 6)
  expect(waits).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000])
})

test.each([
  ['404: the grace period runs over them', 404, 'not-found', 330_000],
  ['401: up to the maximum age', 401, 'denied', 25 * 3_600_000],
] as const)('%s', async (_what, status, reason, atMost) => {
  const { h, waits } = await deferring(status, 1000)
  expect(h.letters[0]).toMatchObject({ reason })
  expect(h.clock.monotonic()).toBeLessThan(atMost)
  if (status === 401) expect(Math.max(...waits)).toBeGreaterThan(225_000)
})

test('a retry of a source that says no more of its waits than its attempts goes on from there', async () => {
  const h = harness([slow])
  h.emit('1', { targets: [{ function: 'a', attempts: 3 }] })
  h.calls[0]?.reply(500)
  await settled()
  h.clock.advance(39_999)
  expect(h.calls).toHaveLength(1)
  h.clock.advance(1)
  expect(h.calls).toHaveLength(2)
})

test('a source that cannot take the delayed retry leaves the wait to the runtime', async () => {
  const h = harness([policy('a', { retry: { ...policy('a').retry, minWaitMs: 8_000 } })], {
    source: { defer: () => Promise.reject(new Error('no confirm')) },
  })
  const seen = h.emit('1')
  h.calls[0]?.reply(500)
  await settled()
  h.clock.advance(8_000)
  h.calls[1]?.reply(200)
  expect(seen.acked).toHaveLength(1)
})
