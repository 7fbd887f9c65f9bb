import { ConfigError, coreSettings, loadConfig, printConfig } from '@millrace/sdk'
import type { CoreConfig } from '@millrace/sdk'
import { describe, expect, it } from 'vitest'
import { connectionOf } from '../../src/settings/connection-of.ts'
import { rabbitmqSettings } from '../../src/settings/settings.ts'
import type { RabbitmqConfig } from '../../src/settings/settings.ts'
import { topologyOf } from '../../src/settings/topology-of.ts'

const pemText = (label: string): string => `-----BEGIN ${label}-----\nYQ==\n-----END ${label}-----\n`

const files: Readonly<Record<string, string>> = {
  '/user': 'alice\n',
  '/password': 'top secret\n',
  '/ca': pemText('CERTIFICATE'),
  '/cert': pemText('CERTIFICATE'),
  '/key': pemText('PRIVATE KEY'),
  '/pro/rabbitmq-username/username': 'bob\n',
  '/pro/rabbitmq-password/password': 'hidden\n',
  '/pro/rabbitmq-ca/ca-cert': pemText('CERTIFICATE'),
  '/topology.yaml': '- name: Ex\n  topics: [a, b]\n  declare: true\n  type: direct\n',
  '/bad.yaml': '- name: Ex\n  topics: []\n- nam: Ex\n',
}

const read = (path: string): Promise<string> => {
  const text = files[path]
  return text === undefined ? Promise.reject(Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT' })) : Promise.resolve(text)
}
const reader = { read, version: (path: string) => read(path).then(() => '1') }
const loadAll = (env: Readonly<Record<string, string>>, argv: readonly string[] = []) =>
  loadConfig({ core: coreSettings, source: rabbitmqSettings }, { argv, env, files: reader })

const load = async (env: Readonly<Record<string, string>>, argv: readonly string[] = []): Promise<Readonly<RabbitmqConfig>> =>
  (await loadAll(env, argv)).values.source

const loadCore = async (env: Readonly<Record<string, string>>): Promise<Readonly<CoreConfig>> => (await loadAll(env)).values.core

const mistakes = async (env: Readonly<Record<string, string>>, argv: readonly string[] = []): Promise<ConfigError> => {
  const error: unknown = await loadAll(env, argv).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(ConfigError)
  return error as ConfigError
}

describe('the settings of existing connectors', () => {
  it('of the Pro connector are taken as they are, flags included', async () => {
    const config = await load(
      {
        rabbitmq_url: 'amqps://rabbitmq.default.svc',
        queues: '[{"name":"orders","durable":true,"nowait":false,"autodelete":false,"exclusive":false}]',
      },
      ['-username-file', '/user', '-password-file=/password', '-ca-file', '/ca', '-cert-file', '/cert', '-key-file', '/key'],
    )
    expect(config.queues).toEqual([{ name: 'orders', durable: true, autoDelete: false, exclusive: false }])
    const { hosts, vhost, material } = connectionOf(config)
    expect([hosts, vhost]).toEqual([[{ host: 'rabbitmq.default.svc', port: 5671 }], '/'])
    const { login, tls } = await material()
    expect(login).toMatchObject({ username: 'alice' })
    expect(typeof login === 'object' && login.password.reveal()).toBe('top secret')
    expect(tls).toMatchObject({ ca: files['/ca']?.trim(), cert: files['/cert']?.trim() })
  })

  it('of the Pro connector: its mounts', async () => {
    const config = await load({ rabbitmq_url: 'amqps://rabbitmq:5671', secret_mount_path: '/pro' })
    const { login, tls } = await connectionOf(config).material()
    expect([login, tls]).toMatchObject([{ username: 'bob' }, { ca: files['/pro/rabbitmq-ca/ca-cert']?.trim() }])
  })

  it('of the Pro connector: nothing but the defaults', async () => {
    const { hosts, material } = connectionOf(await load({}))
    expect(hosts).toEqual([{ host: 'rabbitmq', port: 5672 }])
    expect(await material()).toMatchObject({ login: { username: 'guest' } })
    expect((await material()).tls).toBeUndefined()
  })

  it('of the Templum connector are taken as they are', async () => {
    const env = {
      RMQ_HOST: 'rmq',
      RMQ_PORT: '5673',
      RMQ_VHOST: 'shop',
      RMQ_USER: 'carol',
      RMQ_PASS: 'hidden',
      TLS_ENABLED: 'true',
      TLS_CA_CERT_PATH: '/ca',
      TLS_SERVER_CERT_PATH: '/cert',
      TLS_SERVER_KEY_PATH: '/key',
      OPEN_FAAS_GW_URL: 'http://gw:8080',
      TOPIC_MAP_REFRESH_TIME: '60s',
      REQ_TIMEOUT: '45s',
      INSECURE_SKIP_VERIFY: 'true',
      MAX_CLIENT_PER_HOST: '128',
      PATH_TO_TOPOLOGY: '/topology.yaml',
    }
    const config = await load(env)
    const { hosts, vhost, material } = connectionOf(config)
    expect([hosts, vhost]).toEqual([[{ host: 'rmq', port: 5673 }], 'shop'])
    expect(await material()).toMatchObject({
      login: { username: 'carol' },
      tls: { ca: files['/ca']?.trim(), cert: files['/cert']?.trim() },
    })
    expect(config.templum?.exchanges).toMatchObject([{ name: 'Ex', topics: ['a', 'b'], declare: true, type: 'direct' }])
    expect(await loadCore(env)).toMatchObject({
      gatewayUrl: 'http://gw:8080',
      rebuildIntervalMs: 60_000,
      upstreamTimeoutMs: 45_000,
      maxInflight: 128,
    })
    expect((await loadAll(env)).warnings).toEqual([expect.stringMatching(/^insecure_skip_verify .*gateway_tls_ca_file/)])
  })

  it('of the Templum connector: functions whose topics are not in its file are left alone, unless a mode says what topics are', async () => {
    const mode = async (env: Readonly<Record<string, string>>): Promise<string> => topologyOf(await load(env)).mode
    expect(await mode({ PATH_TO_TOPOLOGY: '/topology.yaml' })).toBe('none')
    expect(await mode({ PATH_TO_TOPOLOGY: '/topology.yaml', rabbitmq_mode: 'queue' })).toBe('queue')
    expect(await mode({})).toBe('queue')
  })

  it('leave alone what a shell sets for itself, and the links of Services', async () => {
    const { values, warnings } = await loadAll({
      USERNAME: 'root',
      KEY: 'x',
      PASSWORD: 'x',
      CA: '1',
      CERT: '1',
      RMQ_PORT: 'tcp://10.0.0.1:5672',
    })
    expect(values.source).toMatchObject({ username: undefined, password: undefined, tlsKey: undefined, defaultPort: undefined })
    expect(warnings).toHaveLength(6)
  })
})

describe('the place of the brokers', () => {
  const placeOf = async (env: Readonly<Record<string, string>>) => {
    const { hosts, vhost } = connectionOf(await load(env))
    return [hosts.map(({ host, port }) => `${host} ${port}`), vhost]
  }

  it.each([
    [{ rabbitmq_url: 'amqp://a' }, ['a 5672'], '/'],
    [{ rabbitmq_url: 'amqp://a/' }, ['a 5672'], '/'],
    [{ rabbitmq_url: 'amqp://a:1/shop' }, ['a 1'], 'shop'],
    [{ rabbitmq_url: 'amqps://[::1]/%2Fx' }, ['::1 5671'], '/x'],
    [{ rabbitmq_url: 'amqp://a', rabbitmq_vhost: 'shop' }, ['a 5672'], 'shop'],
    [{ rabbitmq_url: 'amqp://a', rabbitmq_default_port: '7' }, ['a 7'], '/'],
    [{ rabbitmq_hosts: 'a,b:2,[::1]:3,[fe80::1]' }, ['a 5672', 'b 2', '::1 3', 'fe80::1 5672'], '/'],
    [{ rabbitmq_hosts: 'a,b', rabbitmq_url: 'amqps://c/shop' }, ['a 5671', 'b 5671'], 'shop'],
    [{ RMQ_HOST: 'a', TLS_ENABLED: '1' }, ['a 5671'], '/'],
  ])('%j', async (env, hosts, vhost) => {
    expect(await placeOf(env as unknown as Record<string, string>)).toEqual([hosts, vhost])
  })
})

describe('secrets', () => {
  it('T39 user and password of a URL are used and never shown', async () => {
    const config = await loadAll({ rabbitmq_url: 'amqp://me:c%40nary@a/shop' })
    const { login } = await connectionOf(config.values.source).material()
    expect(typeof login === 'object' && [login.username, login.password.reveal()]).toEqual(['me', 'c@nary'])
    const shown = printConfig(config) + JSON.stringify(config)
    expect(shown).toContain('amqp://[hidden]@a/shop')
    expect(shown).not.toMatch(/nary/)
  })

  it.each(['http://me:canary@a', 'amqp://me:can/canary@a', 'amqp://me:canary@', 'amqp://a?password=canary', 'me:canary@a'])(
    'T39 a wrong URL does not show its password: %s',
    async (url) => {
      expect((await mistakes({ rabbitmq_url: url })).explain()).not.toContain('canary')
    },
  )

  it('only guest may stand in a flag', async () => {
    expect((await load({}, ['--rabbitmq-url', 'amqp://guest:guest@127.0.0.1:5672'])).url).toMatchObject({
      host: '127.0.0.1',
      username: 'guest',
    })
    const wrong = (await mistakes({}, ['--rabbitmq-url', 'amqp://me:canary@127.0.0.1'])).explain()
    expect(wrong).toContain('a secret is never taken from a flag')
    expect(wrong).not.toContain('canary')
  })
})

describe('rules', () => {
  it.each([
    ['two virtual hosts', { rabbitmq_url: 'amqp://a/x', rabbitmq_vhost: 'y' }, 'rabbitmq_vhost'],
    ['two users', { rabbitmq_url: 'amqp://u@a', rabbitmq_username: 'v', rabbitmq_password: 'q' }, 'rabbitmq_username'],
    ['a password without a user', { rabbitmq_password_file: '/password' }, 'rabbitmq_username'],
    ['a user without a password', { rabbitmq_username_file: '/user' }, 'rabbitmq_password'],
    ['an authority without TLS', { rabbitmq_ca_file: '/ca' }, 'rabbitmq_tls'],
    ['a certificate without its key', { rabbitmq_tls: 'true', rabbitmq_cert_file: '/cert' }, 'rabbitmq_key'],
    ['external without a certificate', { rabbitmq_auth_mechanism: 'external', rabbitmq_tls: 'true' }, 'rabbitmq_cert'],
    ['half a second', { rabbitmq_heartbeat: '1500ms' }, 'rabbitmq_heartbeat'],
    ['a query', { rabbitmq_url: 'amqp://a?heartbeat=3' }, 'rabbitmq_url'],
    ['another scheme', { rabbitmq_url: 'https://a' }, 'rabbitmq_url'],
    ['a host that is a URL', { rabbitmq_hosts: 'amqp://a' }, 'rabbitmq_hosts'],
    ['the mode exchange without one', { rabbitmq_mode: 'exchange' }, 'rabbitmq_exchange'],
    ['a type of no exchange', { rabbitmq_exchange_type: 'topic' }, 'rabbitmq_exchange'],
    ['a shared queue of no exchange', { rabbitmq_queue: 'q' }, 'rabbitmq_queue'],
    ['declaring and not', { rabbitmq_declare: 'false', rabbitmq_declare_topics: 'true' }, 'rabbitmq_declare_topics'],
    ['queues that are no JSON', { queues: 'orders' }, 'queues'],
    ['a queue without a name', { queues: '[{"durable": true}]' }, 'queues'],
    ['a topology that is none', { PATH_TO_TOPOLOGY: '/bad.yaml' }, 'rabbitmq_topology'],
    ['a topology that is missing', { PATH_TO_TOPOLOGY: '/none.yaml' }, 'rabbitmq_topology'],
    ['no delays', { rabbitmq_retry_delays: ' , ' }, 'rabbitmq_retry_delays'],
    ['delays that fall', { rabbitmq_retry_delays: '5s,1s' }, 'rabbitmq_retry_delays'],
    ['a delay without a unit', { rabbitmq_retry_delays: '5' }, 'rabbitmq_retry_delays'],
    ['dead letters that are the queue itself', { dead_letter_queue: '{queue}' }, 'dead_letter_queue'],
    ['a user of no management API', { rabbitmq_management_username: 'u', rabbitmq_management_password: 'p' }, 'rabbitmq_management_url'],
    ['prefetch without bound', { rabbitmq_prefetch: '0' }, 'rabbitmq_prefetch'],
  ])('refuse %s', async (_what, env, name) => {
    const { problems } = await mistakes(env)
    expect(problems.map((problem) => problem.name)).toEqual([name])
  })

  it('the lines of a topology that is wrong are named, all of them', async () => {
    const text = (await mistakes({ PATH_TO_TOPOLOGY: '/bad.yaml' })).explain()
    expect(text).toMatch(/line:2: .*topics/)
    expect(text).toMatch(/line:3: .*nam/)
    expect(text).toContain('/bad.yaml')
  })

  it('all mistakes are told at once', async () => {
    const { problems } = await mistakes({ rabbitmq_url: 'x', queues: '{}', rabbitmq_mode: 'all', upstream_timeout: '30' })
    expect(problems.map(({ name }) => name).toSorted()).toEqual(['queues', 'rabbitmq_mode', 'rabbitmq_url', 'upstream_timeout'])
  })
})

it('delays may be none, and are milliseconds', async () => {
  expect((await load({})).retryDelaysMs).toEqual([5000, 30_000, 300_000, 1_800_000])
  expect((await load({ rabbitmq_retry_delays: 'none' })).retryDelaysMs).toEqual([])
})

it('every default and example is right', () => {
  for (const each of Object.values(rabbitmqSettings.settings)) {
    expect(each.name).toMatch(/^[a-z]+(?:_[a-z]+)*$/)
    expect(each.describe).toMatch(/\.$/)
    if (each.default !== undefined) expect(each.parse(each.default), each.name).toMatchObject({ ok: true })
    if (!each.fileForm) expect(each.parse(each.example), each.name).toMatchObject({ ok: true })
  }
})
