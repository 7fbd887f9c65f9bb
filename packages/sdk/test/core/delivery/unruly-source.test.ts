import { expect, test } from 'vitest'
import { defaultLimits } from '../../../src/core/delivery/engine-options.ts'
import type { DeliveryObserver } from '../../../src/core/delivery/observer.ts'
import { harness, policy, settled } from './engine-harness.ts'

test('an event that leaves is counted once, also where the session throws when it is told to go on', () => {
  const h = harness([policy('a')], {
    limits: { ...defaultLimits, window: 2 },
    resume: () => {
      throw new Error('planted')
    },
  })
  h.emit('1')
  h.emit('2')
  expect(h.paused).toEqual(['p0'])
  const [first, second] = h.open()
  // Whoever answers may hear of it; the books must not.
  expect(() => first?.reply(200)).toThrow('planted')
  expect(h.engine.stats()).toMatchObject({ received: 2, acked: 1, released: 0, inFlight: 1, drift: 0 })
  second?.reply(200)
  expect(h.engine.stats()).toMatchObject({ received: 2, acked: 2, released: 0, inFlight: 0, drift: 0 })
})

test('a source may hand over its next event from within each acknowledgement, however many', () => {
  const h = harness([])
  const total = 50_000
  let acked = 0
  const next = (n: number): void => {
    h.emit(`${n}`, {
      topic: 'nobody',
      ack: () => {
        acked += 1
        if (n < total) next(n + 1)
      },
    })
  }
  next(1)
  expect(acked).toBe(total)
  expect(h.engine.stats()).toMatchObject({ received: total, acked: total, inFlight: 0, drift: 0 })
})

test('whoever hears that a function does not want an event may release everything: the others are not called', () => {
  const h = harness([policy('filtered', { filter: () => false }), policy('a'), policy('b', { order: 'key' })], {
    observer: { routeSettled: () => h.engine.kill() },
  })
  const seen = h.emit('1', { key: 'k' })
  expect([h.calls, seen.acked, seen.released]).toEqual([[], [], ['drain']])
  expect(h.engine.stats()).toMatchObject({ released: 1, inFlight: 0, inFlightAttempts: 0, drift: 0 })
})

test('an intake whose ownership went is not resumed by an acknowledgement that comes through later', async () => {
  const h = harness([policy('a', { concurrency: 1 })], { limits: { ...defaultLimits, window: 2 } })
  const through: (() => void)[] = []
  const slowAck = { ack: () => new Promise<void>((resolve) => void through.push(resolve)) }
  h.emit('1', slowAck)
  h.emit('2', slowAck)
  h.calls[0]?.reply(200)
  h.calls[1]?.reply(200)
  expect(through).toHaveLength(2)
  const revoked = h.engine.revoke(() => true, 100, 'revoked')
  h.clock.advance(100)
  await revoked
  // The name starts anew, so nothing may stay paused under it.
  expect([h.paused, h.resumed]).toEqual([['p0'], ['p0']])

  h.emit('3')
  h.emit('4')
  expect(h.paused).toEqual(['p0', 'p0'])
  for (const resolve of through) resolve()
  await settled()
  expect(h.resumed).toEqual(['p0'])
  h.calls[2]?.reply(200)
  expect(h.resumed).toEqual(['p0', 'p0'])
})

test('headers count against the bound in bytes: events without data fill memory as well', () => {
  const h = harness([policy('a', { concurrency: 1 })], { limits: { ...defaultLimits, maxBytes: 10_000 } })
  const event = (id: string) => ({
    id,
    source: 'test',
    type: 'test',
    topic: 't',
    data: new Uint8Array(0),
    headers: [
      ['x-text', 'v'.repeat(2_000)],
      ['x-bytes', new Uint8Array(2_000)],
    ] as const,
  })
  for (const id of ['1', '2']) h.emit(id, { event: event(id) })
  expect(h.paused).toEqual([])
  h.emit('3', { event: event('3') })
  expect(h.paused).toEqual([undefined])
  expect(h.engine.stats().queuedBytes).toBeGreaterThan(12_000)
  for (const id of ['1', '2', '3']) h.calls.at(-1)?.reply(200, { id })
  expect(h.engine.stats()).toMatchObject({ queuedBytes: 0, acked: 3 })
  expect(h.resumed).toEqual([undefined])
})

test('what an acknowledgement returns by mistake is not taken for a promise', () => {
  const h = harness([policy('a')])
  h.emit('1', { ack: (() => true) as unknown as () => void })
  h.calls[0]?.reply(200)
  expect(h.engine.stats()).toMatchObject({ acked: 1, released: 0, inFlight: 0, drift: 0 })
})

test('what is given up from within an acknowledgement is not called again, though it was of the same batch', () => {
  const batch = { size: 4, windowMs: 10, maxBytes: 1_000_000, format: 'json' as const }
  for (const order of ['none', 'partition'] as const) {
    const h = harness([policy('a', { batch, order })])
    h.emit('1', { ack: () => h.engine.kill() })
    for (const id of ['2', '3', '4']) h.emit(id)
    h.calls[0]?.reply(200, {}, '{"batchItemFailures":[{"itemIdentifier":"3"}]}')
    expect(['2', '3', '4'].map((id) => h.seen.get(id))).toMatchObject(Array.from({ length: 3 }, () => ({ acked: [], released: ['drain'] })))
    h.clock.advance(600_000)
    expect(h.calls).toHaveLength(1)
    expect(h.engine.stats()).toMatchObject({ received: 4, acked: 1, released: 3, inFlight: 0, inFlightAttempts: 0, drift: 0 })
  }
})

test('what is given up by a listener that hears of its failure is not called again', () => {
  const observer: DeliveryObserver = { attemptFinished: () => h.engine.kill() }
  const h = harness([policy('a')], { observer })
  const seen = h.emit('1')
  h.calls[0]?.reply(503)
  h.clock.advance(600_000)
  expect(seen).toMatchObject({ acked: [], released: ['drain'] })
  expect(h.calls).toHaveLength(1)
})
