import { expect, test } from 'vitest'
import { coreSettings } from '../../../src/runtime/config/core-settings.ts'
import { loadConfig } from '../../../src/runtime/config/load-config.ts'
import type { Environment } from '../../../src/runtime/config/environment.ts'
import { configErrorOf, memoryFiles } from './memory-files.ts'

const load = (argv: readonly string[], env: Environment = {}, files: Readonly<Record<string, string>> = {}) =>
  loadConfig({ core: coreSettings }, { argv, env, files: memoryFiles(files) })

const originOf = (config: Awaited<ReturnType<typeof load>>, name: string): string | undefined =>
  config.entries.find((entry) => entry.name === name)?.origin

test('flags win over environment, environment over file, file over default', async () => {
  const file = { 'm.yaml': 'rebuild_interval: 7s\nmax_inflight: 70\nretry_attempts: 7\n' }
  const config = await load(['--config', 'm.yaml', '--rebuild-interval', '9s'], { rebuild_interval: '8s', MAX_INFLIGHT: '80' }, file)
  expect(config.values.core).toMatchObject({ rebuildIntervalMs: 9000, maxInflight: 80, retryAttempts: 7, upstreamTimeoutMs: 120_000 })
  expect(['rebuild_interval', 'max_inflight', 'retry_attempts', 'upstream_timeout'].map((name) => originOf(config, name))).toEqual([
    'flag --rebuild-interval',
    'env MAX_INFLIGHT',
    'm.yaml:3',
    'default',
  ])
  expect(config.file).toBe('m.yaml')
})

test('the defaults are those of the architecture', async () => {
  const { values } = await load([])
  expect(values.core).toMatchObject({
    gatewayUrl: 'http://gateway:8080',
    upstreamTimeoutMs: 120_000,
    rebuildIntervalMs: 30_000,
    maxInflight: 256,
    maxInflightPerFunction: 32,
    retryAttempts: 10,
    retryMinWaitMs: 500,
    retryMaxWaitMs: 60_000,
    retryMaxAgeMs: 86_400_000,
    retryNotFoundGraceMs: 300_000,
    retryAfterCapMs: 300_000,
    retryPoisonAfterMs: 3_600_000,
    drainTimeoutMs: 25_000,
    replyCapBytes: 1_048_576,
    queueMaxEvents: 20_000,
    queueMaxBytes: 67_108_864,
    queueWindow: 10_000,
    adminPort: 8081,
    unmatched: 'ack',
    contentType: undefined,
    topicDelimiter: ',',
    asynchronousInvocation: false,
  })
})

test('the environment of an existing Pro connector is taken as it is', async () => {
  const config = await load(
    ['-license-file=/var/secrets/license'],
    {
      gateway_url: 'http://gateway.openfaas:8080',
      topics: 'somebody else reads this',
      print_response: 'true',
      print_response_body: 'true',
      print_request_body: 'false',
      asynchronous_invocation: 'false',
      basic_auth: 'true',
      secret_mount_path: '/mounted',
      upstream_timeout: '2m',
      rebuild_interval: '30s',
      content_type: 'text/plain',
      topic_delimiter: ',',
      debug: '1',
      log_encoding: 'console',
    },
    { '/mounted/basic-auth-user': 'admin\n', '/mounted/basic-auth-password': ' secret \n' },
  )
  expect(config.values.core).toMatchObject({
    gatewayUrl: 'http://gateway.openfaas:8080',
    printResponse: true,
    basicAuth: true,
    debug: true,
    logEncoding: 'console',
    contentType: 'text/plain',
  })
  expect(config.warnings).toHaveLength(2)
  expect(config.warnings.join('\n')).toMatch(/print_response_body.*never logged[^]*license_file.*ignored/)
})

test('the gateway of a Ratehub deployment: host and port without a scheme, and its user', async () => {
  const env = { GATEWAY_URI: 'gateway.openfaas:8080', GATEWAY_SSL: 'false', GATEWAY_USER: 'admin', GATEWAY_PASS: 'secret', basic_auth: '1' }
  const config = await load([], env)
  expect(config.values.core).toMatchObject({ gatewayUrl: 'http://gateway.openfaas:8080', basicAuth: true })
  expect((await config.values.core.basicAuthPassword?.read())?.reveal()).toBe('secret')
  expect(originOf(config, 'gateway_url')).toBe('env GATEWAY_URI')
  const same = await load([], { ...env, gateway_url: 'http://gateway.openfaas:8080' })
  expect(same.values.core.gatewayUrl).toBe('http://gateway.openfaas:8080')
})

test('the same name in YAML and as a flag, there with a scheme too', async () => {
  for (const value of ['gw:1', 'https://gw:1']) {
    const expected = value === 'gw:1' ? 'http://gw:1' : value
    expect((await load(['--gateway-uri', value])).values.core.gatewayUrl).toBe(expected)
    const file = { 'm.yaml': `gateway_uri: ${value}\n` }
    expect((await load(['--config', 'm.yaml'], {}, file)).values.core.gatewayUrl).toBe(expected)
  }
})

test('a Ratehub gateway with TLS is not spoken to without it, and a wrong one is refused', async () => {
  const error = await configErrorOf(load([], { GATEWAY_URI: 'gateway:8080', GATEWAY_SSL: 'true' }))
  expect(error.problems).toEqual([
    expect.objectContaining({ name: 'gateway_ssl', reason: expect.stringContaining('set gateway_url=https://HOST:PORT') as string }),
  ])
  const { values } = await load([], { gateway_url: 'https://gateway:8080', GATEWAY_SSL: 'true' })
  expect(values.core.gatewayUrl).toBe('https://gateway:8080')
  for (const uri of ['gateway:99999', 'user:password@gateway:8080', 'gateway:8080?a=b', 'a b']) {
    const { problems } = await configErrorOf(load([], { GATEWAY_URI: uri }))
    expect(problems).toEqual([expect.objectContaining({ name: 'gateway_url', origin: 'env GATEWAY_URI' })])
    expect(JSON.stringify(problems)).not.toContain('password@')
  }
})

test('an empty variable counts as absent', async () => {
  const config = await load([], { gateway_url: '', MAX_INFLIGHT: '  ' })
  expect(config.values.core).toMatchObject({ gatewayUrl: 'http://gateway:8080', maxInflight: 256 })
})

test('both cases of a name may be set to the same, not to different values', async () => {
  await expect(load([], { debug: '1', DEBUG: '1' })).resolves.toBeDefined()
  const error = await configErrorOf(load([], { max_inflight: '1', MAX_INFLIGHT: '2' }))
  expect(error.problems).toEqual([expect.objectContaining({ name: 'max_inflight', origin: 'env max_inflight and env MAX_INFLIGHT' })])
})

test('variables that belong to somebody else are ignored with a warning', async () => {
  const config = await load([], { ADMIN_PORT: 'tcp://10.0.0.1:8081', DEBUG: 'express:*', GATEWAY_URI: 'wss://gateway.example' })
  expect(config.values.core).toMatchObject({ adminPort: 8081, debug: false, gatewayUrl: 'http://gateway:8080' })
  const ignored = ['GATEWAY_URI', 'ADMIN_PORT', 'DEBUG'].map((name) => expect.stringContaining(`${name} is ignored`) as string)
  expect(config.warnings).toEqual(ignored)
})

test('YAML values are what the author typed, lists as well', async () => {
  const text =
    'namespaces: [a, b]\nnamespaces_deny:\n  - c\ndebug: true\nmax_event_bytes: 1MiB\nqueue_max_events: 1000 # a comment\ncontent_type: null\n'
  const { values } = await load(['--config=c.yaml'], {}, { 'c.yaml': text })
  expect(values.core).toMatchObject({
    namespacesAllow: ['a', 'b'],
    namespacesDeny: ['c'],
    debug: true,
    maxEventBytes: 1_048_576,
    queueMaxEvents: 1000,
    contentType: undefined,
  })
})

test('the result is frozen all the way down', async () => {
  const config = await load([], { namespaces: 'a' })
  expect(Object.isFrozen(config.values.core)).toBe(true)
  expect(Object.isFrozen(config.values.core.namespacesAllow)).toBe(true)
  expect(Object.isFrozen(config.entries[0])).toBe(true)
  expect(() => Object.assign(config.values.core, { debug: true })).toThrow(TypeError)
})

test('flags: one dash, underscores, booleans, repeated lists', async () => {
  const config = await load(['-debug', '--no-basic-auth', '--max_inflight=5', '--namespaces', 'a,b', '--namespaces=c', '--print-config'])
  expect(config.values.core).toMatchObject({ debug: true, basicAuth: false, maxInflight: 5, namespacesAllow: ['a', 'b', 'c'] })
  expect(config.switches).toEqual(['print-config'])
})
