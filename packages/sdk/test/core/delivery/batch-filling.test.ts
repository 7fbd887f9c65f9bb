import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { FunctionPolicy } from '../../../src/core/function-policy.ts'
import { harness, policy, type Call } from './engine-harness.ts'

const windowMs = 100

const batched = (more: Partial<FunctionPolicy> = {}, size = 100): FunctionPolicy =>
  policy('a', { concurrency: 1, batch: { size, windowMs, maxBytes: 1e6, format: 'json' }, ...more })

const idsOf = (call: Call | undefined): string[] =>
  (JSON.parse(Buffer.from(call?.request.event.data ?? []).toString()) as { id: string }[]).map(({ id }) => id)

const failures = (...ids: string[]): string => JSON.stringify({ batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })) })

describe('what fills a request', () => {
  test('not what stands behind a request that is under way in its lane', () => {
    const h = harness([batched({ order: 'key', concurrency: 32 }, 3)])
    for (const id of ['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7']) h.emit(id, { key: 'a' })
    expect(h.calls.map(idsOf)).toEqual([['a1', 'a2', 'a3']])
    // Four wait behind them, and cannot go with this one.
    h.emit('b1', { key: 'b' })
    h.clock.advance(50)
    expect(h.calls).toHaveLength(1)
    h.emit('c1', { key: 'c' })
    h.clock.advance(50)
    expect(h.calls.map(idsOf).slice(1)).toEqual([['b1', 'c1']])
    h.calls[0]?.reply(200)
    expect(h.calls.map(idsOf).slice(2)).toEqual([['a4', 'a5', 'a6']])
  })

  test('not what waits behind one that failed', () => {
    const h = harness([batched({ order: 'key', concurrency: 32 }, 3)])
    for (const id of ['a1', 'a2', 'a3']) h.emit(id, { key: 'a' })
    h.calls[0]?.reply(200, { 'content-type': 'application/json' }, failures('a1'))
    h.emit('b1', { key: 'b' })
    expect(h.calls).toHaveLength(1)
    h.clock.advance(100)
    expect(h.calls.map(idsOf).slice(1)).toEqual([['b1']])
  })

  test('the window begins with its own first event, not with one that was given back', async () => {
    const h = harness([batched({}, 3)])
    h.emit('1', { intake: 'p1' })
    await h.engine.revoke((intake) => intake.name === 'p1', 0, 'revoked')
    h.clock.advance(1_000)
    h.emit('2')
    expect(h.calls).toEqual([])
    h.clock.advance(99)
    h.emit('3')
    expect(h.calls).toEqual([])
    h.clock.advance(1)
    expect(h.calls.map(idsOf)).toEqual([['2', '3']])
  })

  test('the window also runs while the function is busy', () => {
    const h = harness([batched({}, 3)])
    for (const id of ['1', '2', '3', '4']) h.emit(id)
    h.clock.advance(5_000)
    h.calls[0]?.reply(200)
    expect(h.calls.map(idsOf)).toEqual([['1', '2', '3'], ['4']])
  })
})

test('a request with room left has waited for its window, whatever the order and the latencies', () => {
  const traffic = fc.array(fc.record({ key: fc.nat(4), afterMs: fc.constantFrom(0, 0, 1, 7, 30, 150) }), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(
      traffic,
      fc.constantFrom('none' as const, 'key' as const, 'partition' as const),
      fc.integer({ min: 2, max: 6 }),
      fc.constantFrom(1, 2, 8),
      fc.array(fc.constantFrom(1, 20, 90, 400), { minLength: 1, maxLength: 10 }),
      (events, order, size, concurrency, latencies) => {
        const laneOf = (id: string): string => (order === 'none' ? id : order === 'key' ? `${events[Number(id)]?.key}` : '')
        const freeAt = new Map<string, number>()
        const arrivedAt: number[] = []
        let sent = 0
        const h = harness([batched({ order, concurrency }, size)], {
          invoker: {
            invoke: ({ event }, done) => {
              const now = h.clock.monotonic()
              const ids = (JSON.parse(Buffer.from(event.data).toString()) as { id: string }[]).map(({ id }) => id)
              const readySince = ids.map((id) => Math.max(arrivedAt[Number(id)] ?? 0, freeAt.get(laneOf(id)) ?? 0))
              if (ids.length < size) expect(now - Math.min(...readySince)).toBeGreaterThanOrEqual(windowMs)
              h.clock.after(latencies[(sent += 1) % latencies.length] ?? 1, () => {
                for (const id of ids) freeAt.set(laneOf(id), h.clock.monotonic())
                done({
                  kind: 'response',
                  reply: { status: 200, headers: {}, body: new Uint8Array(), truncated: false },
                  durationMs: 1,
                })
              })
              return { abort: () => undefined }
            },
          },
        })
        events.forEach(({ key, afterMs }, n) => {
          if (afterMs > 0) h.clock.advance(afterMs)
          arrivedAt.push(h.clock.monotonic())
          h.emit(`${n}`, { key: `${key}` })
        })
        for (let moment = 0; moment < 1_000 && h.clock.untilNext !== undefined; moment += 1) h.clock.advance(h.clock.untilNext)
        expect(h.engine.stats()).toMatchObject({ acked: events.length, inFlight: 0, drift: 0 })
      },
    ),
    { numRuns: 150 },
  )
})
