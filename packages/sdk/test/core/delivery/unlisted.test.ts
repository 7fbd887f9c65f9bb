import { expect, test } from 'vitest'
import { harness, policy } from './engine-harness.ts'

const kept = { targets: [{ function: 'a', attempts: 0 }], unlisted: 'release' } as const

test('S5: a delivery that is kept for its function is given back when the function is not listed', () => {
  const h = harness([policy('b')])
  const seen = h.emit('1', kept)
  expect([seen.acked, seen.released]).toEqual([[], ['unlisted']])
  expect(h.engine.stats()).toMatchObject({ received: 1, released: 1, acked: 0, inFlight: 0, drift: 0 })
})

test('S5: so are those that wait when it goes, in their lane too, and the one whose call then fails', () => {
  const h = harness([policy('a', { order: 'key' }), policy('b')])
  const [running, behind, waiting] = [
    h.emit('1', { ...kept, key: 'k' }),
    h.emit('2', { ...kept, key: 'k' }),
    h.emit('3', { ...kept, key: 'l' }),
  ]
  const [first, second] = h.calls
  second?.reply(500)
  h.setPolicies([policy('b')])
  expect([running.released, behind.released, waiting.released]).toEqual([[], ['unlisted'], ['unlisted']])
  first?.reply(500)
  expect([running.acked, running.released]).toEqual([[], ['unlisted']])
  expect(h.engine.stats()).toMatchObject({ received: 3, released: 3, inFlight: 0, drift: 0 })
})

test('a call that still succeeds settles it', () => {
  const h = harness([policy('a')])
  const seen = h.emit('1', kept)
  h.setPolicies([])
  h.calls[0]?.reply(200)
  expect([seen.acked[0]?.results[0]?.outcome, seen.released]).toEqual(['done', []])
})

test('with several targets each is dropped by itself: what the others have done is not repeated', () => {
  const h = harness([policy('a'), policy('b')])
  const seen = h.emit('1', { targets: [kept.targets[0], { function: 'b', attempts: 0 }], unlisted: 'release' })
  h.calls.find((call) => call.request.function === 'a')?.reply(500)
  h.setPolicies([policy('b')])
  for (const call of h.open()) call.reply(200)
  expect(seen.acked[0]?.results.map((result) => `${result.target.function} ${result.outcome}`).toSorted()).toEqual(['a dropped', 'b done'])
})
