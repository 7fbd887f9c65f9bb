import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { redis } from '../../../../../test/servers/redis.ts'
import { Secret } from '../../../src/core/secret.ts'
import { recordingLogger } from '../journal/recording-logger.ts'
import { bytes, openStore } from './redis-kit.ts'

const page = readFileSync(new URL('../../../../../docs/state.md', import.meta.url), 'utf8')
const [rule = ''] = /^ACL SETUSER .*$/m.exec(page) ?? []

test.each(['as docs/state.md says', 'without INFO'])('a user with these rights and no more can do everything: %s', async (name) => {
  await using server = await redis.single()
  const words = rule.replace('PASSWORD', 'canary').split(' ')
  await server.command(...(name === 'without INFO' ? words.filter((word) => word !== '+info') : words))
  await server.command('ACL', 'SETUSER', 'default', 'off', 'nopass')
  const logger = recordingLogger()
  const material = () => Promise.resolve({ username: 'millrace', password: new Secret('canary') })
  const store = await openStore(`${server.url}/1`, 'millrace', { material, logger })
  expect(await store.put('key', bytes('a'), 'absent', undefined, 60_000)).toBe(1)
  expect(await store.put('key', bytes('b'), 1)).toBe(2)
  const lease = await store.lease('lead', 60_000)
  expect(await store.put('key', bytes('c'), 2, lease)).toBe(3)
  expect(await lease?.renew()).toBe(true)
  await lease?.release()
  expect(await store.get('key')).toEqual({ value: bytes('c'), version: 3 })
  expect(await store.keys('k')).toEqual(['key'])
  expect(await store.delete('key', 3)).toBe(true)
  await store.close()
  expect(logger.lines.filter(({ message }) => message.includes('appendonly'))).toHaveLength(name === 'without INFO' ? 0 : 1)
  const foreign = await openStore(`${server.url}/1`, 'another', { material })
  await expect(foreign.get('key')).rejects.toMatchObject({ code: 'E_STATE_IO', message: expect.stringContaining('NOPERM') as string })
  await foreign.close()
})
