import { expect, test } from 'vitest'
import { harness, policy, settled } from './engine-harness.ts'

test('T18: five failures in a row open the breaker; while open nothing is attempted and no attempts are used up', () => {
  const h = harness([policy('a', { order: 'partition' })])
  h.emit('1')
  h.emit('2')
  for (let n = 0; n < 5; n += 1) {
    h.calls[n]?.reply(500)
    if (n < 4) h.clock.advance(60_000)
  }
  expect(h.breakers).toEqual(['a open'])
  h.clock.advance(29_999)
  expect(h.calls).toHaveLength(5)
  h.clock.advance(1)
  expect(h.calls).toHaveLength(6)
  expect(h.calls[5]?.request.attempt).toBe(6)
  h.calls[5]?.reply(500)
  h.clock.advance(60_000)
  // A probe that failed while the function serves nobody is free: the number stays.
  expect(h.calls[6]?.request.attempt).toBe(6)
})

test('T18: a storm of half an hour dead-letters nothing, then everything is delivered', async () => {
  const h = harness([policy('a', { order: 'partition' }), policy('b', { order: 'none' })])
  const seen = Array.from({ length: 20 }, (_, n) => h.emit(`${n}`))
  const end = h.clock.monotonic() + 30 * 60_000
  while (h.clock.monotonic() < end) {
    for (const call of h.open()) call.reply(503)
    h.clock.advance(1_000)
    await settled()
  }
  expect(h.letters).toEqual([])
  expect(seen.every((s) => s.acked.length === 0)).toBe(true)
  for (let round = 0; round < 400 && seen.some((s) => s.acked.length === 0); round += 1) {
    for (const call of h.open()) call.reply(200)
    h.clock.advance(1_000)
  }
  expect(seen.every((s) => s.acked.length === 1)).toBe(true)
})

test('T24: a poison event is dead-lettered within its attempts while the function serves others', async () => {
  const h = harness([policy('a', { order: 'key', retry: { ...policy('a').retry, attempts: 4 } })])
  h.emit('poison', { key: 'k' })
  const rest = h.emit('after', { key: 'k' })
  for (let n = 0; n < 40 && h.letters.length === 0; n += 1) {
    h.emit(`other-${n}`, { key: `o${n}` })
    for (const call of h.open()) call.reply(call.request.event.id === 'poison' ? 500 : 200)
    h.clock.advance(1_000)
    await settled()
  }
  expect(h.letters.map((l) => [l.event.id, l.reason, l.attempts])).toEqual([['poison', 'exhausted', 4]])
  expect(h.letters[0]?.history).toHaveLength(4)
  for (const call of h.open()) call.reply(200)
  expect(rest.acked).toHaveLength(1)
})

test('a lone poison event waits for poison-after, then its probes count', async () => {
  const h = harness([policy('a', { order: 'partition', retry: { ...policy('a').retry, attempts: 7 } })])
  h.emit('poison')
  const start = h.clock.monotonic()
  while (h.letters.length === 0 && h.clock.monotonic() - start < 3 * 3_600_000) {
    for (const call of h.open()) call.reply(500)
    h.clock.advance(1_000)
    await settled()
  }
  const tookMs = h.clock.monotonic() - start
  expect(h.letters[0]).toMatchObject({ reason: 'exhausted' })
  expect(tookMs).toBeGreaterThanOrEqual(3_600_000)
  expect(tookMs).toBeLessThan(3_600_000 + 5 * 61_000)
})

test('T19: the gateway’s breaker opens by distinct events, and nothing is dead-lettered while it is open', async () => {
  const h = harness([policy('a', { retry: { ...policy('a').retry, attempts: 2 } })])
  const seen = Array.from({ length: 8 }, (_, n) => h.emit(`${n}`))
  for (const call of h.open()) call.fail('connect')
  expect(h.breakers).toContain('gateway open')
  for (let n = 0; n < 100; n += 1) {
    h.clock.advance(5_000)
    for (const call of h.open()) call.fail('connect')
    await settled()
  }
  expect(h.letters).toEqual([])
  for (let n = 0; n < 200; n += 1) {
    h.clock.advance(5_000)
    for (const call of h.open()) call.reply(200)
  }
  expect(seen.every((s) => s.acked.length === 1)).toBe(true)
})

test('T19: a lone event opens the gateway’s breaker too, so that a quiet connector dead-letters nothing while the gateway is away', async () => {
  const h = harness([policy('a')])
  const seen = h.emit('lonely')
  for (let n = 0; n < 200; n += 1) {
    for (const call of h.open()) call.fail('connect')
    await settled()
    h.clock.advance(5_000)
  }
  expect(h.breakers).toContain('gateway open')
  expect(h.letters).toEqual([])
  for (let n = 0; n < 20 && seen.acked.length === 0; n += 1) {
    for (const call of h.open()) call.reply(200)
    await settled()
    h.clock.advance(5_000)
  }
  expect(seen.acked).toHaveLength(1)
})

test('T24: events that fail keep the breaker open before a new one no longer than until its first probe', async () => {
  const h = harness([policy('a')])
  h.emit('bad-1')
  h.emit('bad-2')
  const serve = async (forMs: number): Promise<void> => {
    for (let ms = 0; ms < forMs; ms += 500) {
      for (const call of h.open()) call.reply(call.request.event.id.startsWith('bad') ? 500 : 200)
      h.clock.advance(500)
      await settled()
    }
  }
  await serve(8_000)
  expect(h.breakers).toEqual(['a open'])
  const good = h.emit('good')
  await serve(25_000)
  expect(good.acked).toHaveLength(1)
  expect(h.breakers).toEqual(['a open', 'a half-open', 'a closed'])
})

test('T19: once the gateway answers lists again, its breaker closes where nothing is left that could probe it', async () => {
  const h = harness([policy('a')])
  h.emit('1')
  for (let n = 0; n < 5; n += 1) {
    h.open()[0]?.fail('connect')
    h.clock.advance(20_000)
  }
  expect(h.breakers.at(-1)).toBe('gateway half-open')
  h.open()[0]?.fail('connect')
  h.engine.hintGateway()
  // With an event to try, only its attempt tells.
  expect(h.breakers.at(-1)).not.toBe('gateway closed')
  h.open()[0]?.fail('connect')
  await h.engine.revoke(() => true, 0, 'revoked')
  h.engine.hintGateway()
  expect(h.breakers.at(-1)).toBe('gateway closed')
  h.emit('2')
  h.calls.at(-1)?.reply(200)
  expect(h.seen.get('2')?.acked).toHaveLength(1)
})

test('T23: one hanging function does not open the gateway’s breaker; three that are cut alike do', () => {
  const h = harness(['a', 'b', 'c', 'd'].map((name) => policy(name)))
  for (let n = 0; n < 30; n += 1) h.emit(`${n}`, { topic: 'a' })
  for (const call of h.open()) call.fail('timeout')
  expect(h.breakers).toEqual(['a open'])
  h.emit('x', { topic: 'b' })
  h.emit('y', { topic: 'c' })
  for (const call of h.open()) call.fail('timeout')
  expect(h.breakers).toEqual(['a open', 'gateway open'])
})

test('P1: a 401 of one function pauses that function only; the gateway’s own pauses all', () => {
  const one = harness([policy('a'), policy('b')])
  for (let n = 0; n < 6; n += 1) one.emit(`${n}`, { topic: 'a' })
  for (const call of one.open()) call.reply(401)
  expect(one.breakers).toEqual(['a open'])

  const all = harness([policy('a'), policy('b')])
  all.emit('1', { topic: 'a' })
  all.calls[0]?.reply(401, { 'www-authenticate': 'Basic realm="Restricted"' })
  expect(all.breakers).toEqual(['gateway open'])
})

test('P2: a redirect opens the breaker at once and is dead-lettered only at the maximum age', async () => {
  const h = harness([policy('a')])
  h.emit('1')
  h.calls[0]?.reply(302)
  expect(h.breakers).toEqual(['a open'])
  while (h.letters.length === 0 && h.clock.monotonic() < 30 * 3_600_000) {
    h.clock.advance(10_000)
    for (const call of h.open()) call.reply(302)
    await settled()
  }
  expect(h.letters[0]).toMatchObject({ reason: 'redirect' })
  expect(h.clock.monotonic()).toBeGreaterThan(24 * 3_600_000)
})

test('S5: 404 waits for a redeployment on its own clock and counts nothing; a function that left the map is dropped', async () => {
  const h = harness([policy('a')])
  const first = h.emit('1')
  for (let n = 0; n < 60 && h.letters.length === 0; n += 1) {
    for (const call of h.open()) call.reply(404)
    h.clock.advance(10_000)
    await settled()
  }
  expect(h.letters[0]).toMatchObject({ reason: 'not-found' })
  expect(first.acked).toHaveLength(1)
  expect(h.clock.monotonic()).toBeLessThan(330_000)

  const gone = harness([policy('a')])
  const second = gone.emit('1')
  gone.setPolicies([])
  gone.calls[0]?.reply(404)
  expect(second.acked[0]?.results[0]).toMatchObject({ outcome: 'dropped', status: 404 })
  expect(gone.letters).toEqual([])
})

test('S10: after 410 no call is made until the function is deployed again', async () => {
  const h = harness([policy('a')])
  h.emit('1')
  h.calls[0]?.reply(410)
  await settled()
  h.emit('2')
  await settled()
  expect(h.calls).toHaveLength(1)
  expect(h.letters.map((l) => [l.event.id, l.reason])).toEqual([
    ['1', 'gone'],
    ['2', 'gone'],
  ])
  h.setPolicies([policy('a', { revision: '2' })])
  h.emit('3')
  expect(h.calls).toHaveLength(2)
})

test('T21: Retry-After replaces the wait, capped', () => {
  const h = harness([policy('a')])
  h.emit('1')
  h.calls[0]?.reply(429, { 'retry-after': '7' })
  h.clock.advance(6_999)
  expect(h.calls).toHaveLength(1)
  h.clock.advance(1)
  h.calls[1]?.reply(429, { 'retry-after': '999999' })
  h.clock.advance(300_000)
  expect(h.calls).toHaveLength(3)
})
