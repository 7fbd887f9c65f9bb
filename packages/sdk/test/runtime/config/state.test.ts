import { expect, test } from 'vitest'
import { coreSettings } from '../../../src/runtime/config/core-settings.ts'
import { loadConfig } from '../../../src/runtime/config/load-config.ts'
import { describeConfig } from '../../../src/runtime/config/print-config.ts'
import { redisStateOptions } from '../../../src/runtime/redis-state-options.ts'
import { configErrorOf, memoryFiles } from './memory-files.ts'

const pem = (label: string): string => `-----BEGIN ${label}-----\nAAAA\n-----END ${label}-----\n`
const files = () =>
  memoryFiles({
    '/run/password': 'canary-one\n',
    '/run/ca': pem('CERTIFICATE'),
    '/run/cert': pem('CERTIFICATE'),
    '/run/key': pem('PRIVATE KEY'),
  })

const load = (env: Readonly<Record<string, string>>, from = files()) => loadConfig({ core: coreSettings }, { argv: [], env, files: from })

test('nothing is set: the state is not in Redis', async () => {
  const { values } = await load({})
  expect(redisStateOptions(values.core)).toBeUndefined()
})

test('everything is set, and secrets are read again for each connection', async () => {
  const from = files()
  const config = await load(
    {
      state_url: 'rediss://mymaster/2',
      STATE_SENTINELS: 's1, s2:7000',
      state_prefix: 'staging',
      state_username: 'millrace',
      state_password_file: '/run/password',
      state_sentinel_password: 'canary-sentinel',
      state_tls_ca_file: '/run/ca',
      state_tls_cert_file: '/run/cert',
      state_tls_key_file: '/run/key',
    },
    from,
  )
  const options = redisStateOptions(config.values.core)
  expect(options).toMatchObject({ url: 'rediss://mymaster/2', sentinels: ['s1', 's2:7000'], prefix: 'staging' })
  const first = await options?.material?.()
  expect(first).toMatchObject({ username: 'millrace', ca: pem('CERTIFICATE').trim(), cert: pem('CERTIFICATE').trim() })
  expect(first?.password?.reveal()).toBe('canary-one')
  expect(first?.sentinelPassword?.reveal()).toBe('canary-sentinel')
  from.write('/run/password', 'canary-two\n')
  expect((await options?.material?.())?.password?.reveal()).toBe('canary-two')
  expect(JSON.stringify([describeConfig(config), options, first])).not.toContain('canary')
})

test.each([
  [{ state_url: 'redis://user:canary@redis' }, 'state_url', 'credentials go into secret files'],
  [{ state_url: 'http://redis' }, 'state_url', 'the scheme is not allowed'],
  [{ state_url: 'redis://redis/one' }, 'state_url', 'number of a database'],
  [{ state_prefix: 'a{b}', state_url: 'redis://redis' }, 'state_prefix', 'form'],
  [{ state_sentinels: 's1' }, 'state_sentinels', 'there is no state_url'],
  [{ state_sentinels: 's1', state_url: 'redis://mymaster:6379' }, 'state_url', 'without a port'],
  [{ state_username: 'millrace', state_url: 'redis://redis' }, 'state_username', 'no state_password'],
  [{ state_url: 'rediss://redis', state_tls_cert_file: '/run/cert' }, 'state_tls_cert', 'one of them is missing'],
  [{ state_url: 'redis://redis', state_tls_ca_file: '/run/ca' }, 'state_url', 'not rediss://'],
])('%o: %s is wrong', async (env, name, reason) => {
  const error = await configErrorOf(load(env))
  expect(error.problems).toEqual([expect.objectContaining({ name, reason: expect.stringContaining(reason) as string })])
  expect(error.message).not.toContain('canary')
})
