import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { isAlive } from '../processes/is-alive.ts'
import { redis, uniqueName } from './redis.ts'

const timeout = 300_000

test('every caller of a run gets the same server', { timeout }, async () => {
  const { url } = await redis.shared()
  expect(url).toMatch(/^redis:\/\/127\.0\.0\.1:\d+$/)
  expect((await redis.shared()).url).toBe(url)
})

test('one of your own: what was written is there after kill -9 only when that was asked for', { timeout }, async () => {
  for (const appendonly of [true, false]) {
    const server = await redis.single({ appendonly, password: 'secret' })
    const key = uniqueName('key')
    expect(await server.command('SET', key, 'välue')).toBe('OK')
    const { pid } = server
    await server.kill9()
    expect(isAlive(pid)).toBe(false)
    await server.start()
    expect(await server.command('EXISTS', key)).toBe(appendonly ? 1 : 0)
    await expect(server.command('NOTHING')).rejects.toThrow(/ERR unknown command/)
    await server.stop()
    expect(isAlive(server.pid)).toBe(false)
  }
})

test('paused, it answers nothing; resumed, it goes on', { timeout }, async () => {
  await using server = await redis.single()
  server.pause()
  let answered = false
  const answer = server.command('PING').then((text) => {
    answered = true
    return text
  })
  await pause(200)
  expect(answered).toBe(false)
  server.resume()
  expect(await answer).toBe('PONG')
})
