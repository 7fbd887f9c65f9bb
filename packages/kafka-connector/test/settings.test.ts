import { ConfigError, coreSettings, loadConfig, silentLogger } from '@millrace/sdk'
import { describe, expect, it } from 'vitest'
import { kafkaSettings } from '../src/settings.ts'
import type { KafkaConfig } from '../src/settings.ts'
import { kafkaOptions } from '../src/source-options.ts'

const files: Readonly<Record<string, string>> = {
  '/user': 'alice\n',
  '/password': 'top secret\n',
  '/pro/broker-username/broker-username': 'bob\n',
  '/pro/broker-password/broker-password': 'hidden\n',
  '/ca': '-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n',
}

const load = async (env: Record<string, string>, argv: readonly string[] = []): Promise<Readonly<KafkaConfig>> => {
  const read = (path: string): Promise<string> => {
    const text = files[path]
    if (path === '/pro/broker-username' || path === '/pro/broker-password') {
      return Promise.reject(Object.assign(new Error('EISDIR: illegal operation on a directory'), { code: 'EISDIR' }))
    }
    return text === undefined ? Promise.reject(Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT' })) : Promise.resolve(text)
  }
  const reader = { read, version: (path: string) => read(path).then(() => '1') }
  const config = await loadConfig({ core: coreSettings, source: kafkaSettings }, { argv, env, files: reader })
  return config.values.source
}

const mistakes = async (env: Record<string, string>): Promise<string> => {
  const error = await load(env).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(ConfigError)
  return (error as Error).message
}

describe('the settings of existing connectors', () => {
  it('of the Pro connector are taken as they are, flags included', async () => {
    const config = await load(
      {
        broker_hosts: 'a:9092,b:9093',
        topics: 'orders,payments',
        group: 'faas-group-1',
        initial_offset: 'newest',
        max_bytes: '2097152',
        log_sessions: 'true',
      },
      ['-tls', '-username-file', '/user', '-password-file=/password', '-ca-file', '/ca'],
    )
    expect(config).toMatchObject({
      brokers: ['a:9092', 'b:9093'],
      topics: ['orders', 'payments'],
      initialOffset: 'newest',
      maxPartitionBytes: 2_097_152,
      tls: true,
    })
    const material = await kafkaOptions(config, silentLogger).connection.material?.()
    expect(material).toMatchObject({ tls: { ca: files['/ca']?.trim() }, sasl: { mechanism: 'plain', username: 'alice' } })
    expect(JSON.stringify(material)).not.toContain('top secret')
  })

  it('of the CE connector: one broker', async () => {
    expect((await load({ broker_host: 'kafka:9092', topics: 'a' })).brokers).toEqual(['kafka:9092'])
  })

  it('of the Ratehub connector: a group for each topic, all topics but some', async () => {
    const config = await load({
      KAFKA_CONNECTION: 'k:9092',
      KAFKA_SSL: 'true',
      EXCLUDE_TOPICS: 'audit',
      CONNECTOR_NAME: 'cn',
      GROUP: 'cn_{topic}',
    })
    expect(config).toMatchObject({
      brokers: ['k:9092'],
      tls: true,
      excludeTopics: ['audit'],
      clientId: 'cn',
      group: 'cn_{topic}',
      topics: [],
    })
  })

  it('leave alone what a shell sets for itself', async () => {
    const config = await load({ USERNAME: 'root', KEY: 'x', TLS: 'perhaps', PASSWORD: 'x', CA: '1', CERT: '1' })
    expect(config).toMatchObject({ tls: false, username: undefined, password: undefined, tlsKey: undefined, tlsCa: undefined })
  })
})

describe('what existing deployments have', () => {
  it('is a CE broker without a port: 9092', async () => {
    const config = await load({ broker_host: 'kafka' })
    expect(kafkaOptions(config, silentLogger).connection.brokers).toEqual(['kafka:9092'])
  })

  it('is Ratehub’s names with paths in them', async () => {
    const config = await load({ KAFKA_SSL: 'true', KAFKA_SSL_CA: '/ca' })
    expect((await config.tlsCa?.read())?.reveal()).toBe(files['/ca']?.trimEnd())
  })

  it('is Pro’s mounts, a directory for each secret with a file of its name in it', async () => {
    const config = await load({})
    expect(config.username).toBeUndefined()
    const mounted = await load({ secret_mount_path: '/pro' })
    expect((await mounted.username?.read())?.reveal()).toBe('bob')
    expect((await mounted.password?.read())?.reveal()).toBe('hidden')
  })
})

describe('rules over several settings', () => {
  it.each([
    ['a heartbeat that is too slow', { kafka_heartbeat_interval: '20s' }, 'kafka_heartbeat_interval'],
    ['a fetch that holds up heartbeats', { kafka_max_wait: '5s', kafka_session_timeout: '10s' }, 'kafka_max_wait'],
    ['a join that does not wait for a session', { kafka_rebalance_timeout: '10s' }, 'kafka_rebalance_timeout'],
    ['a partition larger than a fetch', { max_bytes: '20MiB' }, 'max_bytes'],
    ['a password without a user', { kafka_password_file: '/password' }, 'kafka_username'],
    ['a mechanism without a user', { kafka_sasl_mechanism: 'scram-sha-512' }, 'kafka_username'],
    ['a token endpoint that nobody asks', { kafka_oauth_token_url: 'https://x/t' }, 'kafka_sasl_mechanism'],
    ['tokens from nowhere', { kafka_sasl_mechanism: 'oauthbearer' }, 'kafka_oauth_token_url'],
    ['an authority without TLS', { kafka_ca_file: '/ca' }, 'kafka_tls'],
    ['a certificate without its key', { kafka_tls: 'true', kafka_cert_file: '/ca' }, 'kafka_key'],
    ['no brokers', { broker_hosts: ' , ' }, 'broker_hosts'],
    ['a broker that is a URL', { broker_hosts: 'http://kafka' }, 'broker_hosts'],
    ['a group that is a path', { group: '../x\\' }, 'group'],
  ])('refuse %s', async (_what, env, name) => {
    expect(await mistakes(env as unknown as Record<string, string>)).toContain(name)
  })
})
