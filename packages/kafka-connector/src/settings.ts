import { boolean, choice, duration, list, optionalSetting, pem, secretSetting, setting, size, text, url } from '@millrace/sdk'
import type { Component, SecretReference, SettingType } from '@millrace/sdk'
import { deadLetterSettings } from './settings-dead-letters.ts'
import type { DeadLetterConfig } from './settings-dead-letters.ts'
import { checkRegistry, registrySettings } from './settings-registry.ts'
import type { RegistryConfig } from './settings-registry.ts'

/** The part of the configuration that the Kafka connector declares. Times in milliseconds, sizes in bytes. */
export interface KafkaConfig extends DeadLetterConfig, RegistryConfig {
  readonly brokers: readonly string[]
  readonly topics: readonly string[]
  readonly excludeTopics: readonly string[]
  readonly group: string
  readonly initialOffset: 'oldest' | 'newest'
  readonly outOfRange: 'earliest' | 'latest' | 'fail'
  readonly maxBytes: number
  readonly maxPartitionBytes: number
  readonly maxBatchBytes: number
  readonly maxWaitMs: number
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly heartbeatMs: number
  readonly metadataMaxAgeMs: number
  readonly requestTimeoutMs: number
  readonly connectTimeoutMs: number
  readonly commitIntervalMs: number
  readonly topicRefreshMs: number
  readonly rackId: string | undefined
  readonly clientId: string
  readonly logSessions: boolean
  readonly tls: boolean
  readonly tlsCa: SecretReference | undefined
  readonly tlsCert: SecretReference | undefined
  readonly tlsKey: SecretReference | undefined
  readonly saslMechanism: 'none' | 'plain' | 'scram-sha-256' | 'scram-sha-512' | 'oauthbearer'
  readonly username: SecretReference | undefined
  readonly password: SecretReference | undefined
  readonly oauthTokenUrl: string | undefined
  readonly oauthClientId: SecretReference | undefined
  readonly oauthClientSecret: SecretReference | undefined
  readonly oauthScope: string | undefined
}

/** Without a port it is 9092, as in the CE connector. */
const hostPort = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?$/
const topicName = /^[A-Za-z0-9._*#>-]{1,249}$/

/** A group id, with `{topic}` in it where each topic gets a group of its own. */
const groupTemplate: SettingType<string> = text({
  maxLength: 200,
  pattern: /^(?:[A-Za-z0-9._:/ -]|\{topic\})+$/,
  allowed: 'letters, digits and ._:/-, with {topic} where each topic gets a group of its own',
})

/** Words that shells, build tools and desktops use for themselves: in the environment only the long names are ours. */
const onlyByFlag = (variable: string): string | undefined =>
  /^(?:ca|cert|key|username|password|tls)$/i.test(variable) ? 'it is a common name; only the flag and kafka_* are read' : undefined

/** The settings of the Kafka connector: its own names, and those of the OpenFaaS Pro, CE and Ratehub connectors. */
export const kafkaSettings: Component<KafkaConfig> = {
  title: 'Kafka',
  settings: {
    brokers: setting({
      name: 'broker_hosts',
      aliases: ['kafka_brokers', 'broker_host', 'kafka_connection', 'kafka'],
      type: list({ allowed: 'a comma list of HOST:PORT, or HOST for port 9092', pattern: hostPort, maxItems: 100 }),
      default: 'kafka:9092',
      describe: 'Brokers to begin with; the others are learned from them.',
      example: 'kafka-1:9092,kafka-2:9092',
    }),
    topics: setting({
      name: 'topics',
      type: list({ allowed: 'a comma list of topics, exact or with the wildcards * # >', pattern: topicName, maxItems: 1000 }),
      default: '',
      describe: 'Topics to consume, whether a function wants them or not. Empty: those that the functions name.',
      example: 'orders,payments.#',
    }),
    excludeTopics: setting({
      name: 'exclude_topics',
      type: list({ allowed: 'a comma list of topics, exact or with the wildcards * # >', pattern: topicName, maxItems: 1000 }),
      default: '',
      describe: 'Topics that are never consumed.',
      example: 'audit.#',
    }),
    group: setting({
      name: 'group',
      aliases: ['kafka_group'],
      type: groupTemplate,
      default: 'faas-group-1',
      describe: 'Consumer group. With {topic} each topic has its own: a slow topic then holds up no other.',
      example: 'faas-{topic}',
    }),
    initialOffset: setting({
      name: 'initial_offset',
      type: choice(['oldest', 'newest']),
      default: 'oldest',
      describe: 'Where a partition begins that the group has no position for.',
      example: 'newest',
    }),
    outOfRange: setting({
      name: 'offset_out_of_range',
      type: choice(['earliest', 'latest', 'fail']),
      default: 'earliest',
      describe:
        'When retention has deleted records before they were delivered: go on with the oldest, with the newest, or stand still until a person decides.',
      example: 'fail',
    }),
    ...deadLetterSettings,
    ...registrySettings,
    maxBytes: setting({
      name: 'kafka_fetch_max_bytes',
      type: size('1KiB', '1GiB'),
      default: '10MiB',
      describe: 'Of one fetch from one broker.',
      example: '4MiB',
    }),
    maxPartitionBytes: setting({
      name: 'max_bytes',
      type: size('1KiB', '1GiB'),
      default: '1048576',
      describe: 'Of one partition in one fetch. A larger record comes nevertheless, alone.',
      example: '4MiB',
    }),
    maxBatchBytes: setting({
      name: 'kafka_max_batch_bytes',
      type: size('64KiB', '1GiB'),
      default: '64MiB',
      describe:
        'Of one compressed batch when it is unpacked: a small batch may claim gigabytes. A larger one stops its group, with an alarm.',
      example: '16MiB',
    }),
    maxWaitMs: setting({
      name: 'kafka_max_wait',
      type: duration('10ms', '5s'),
      default: '250ms',
      describe: 'The longest a fetch waits for records. Heartbeats and commits wait behind it.',
      example: '100ms',
    }),
    sessionTimeoutMs: setting({
      name: 'kafka_session_timeout',
      type: duration('1s', '30m'),
      default: '30s',
      describe:
        'Until the group takes a silent replica for dead. Shorter: a smaller gap after a crash. Six tenths of it is the most that a function may take during a rebalance without being repeated.',
      example: '45s',
    }),
    rebalanceTimeoutMs: setting({
      name: 'kafka_rebalance_timeout',
      type: duration('1s', '30m'),
      default: '60s',
      describe: 'How long a join waits for all replicas.',
      example: '2m',
    }),
    heartbeatMs: setting({
      name: 'kafka_heartbeat_interval',
      type: duration('100ms', '10m'),
      default: '3s',
      describe: 'Between heartbeats.',
      example: '1s',
    }),
    metadataMaxAgeMs: setting({
      name: 'kafka_metadata_max_age',
      type: duration('1s', '1h'),
      default: '5m',
      describe: 'Until new partitions are seen.',
      example: '30s',
    }),
    requestTimeoutMs: setting({
      name: 'kafka_request_timeout',
      type: duration('1s', '10m'),
      default: '10s',
      describe:
        'Of one request to a broker. It is tried six times before the connection counts as lost: a broker that swallows requests is noticed after a minute.',
      example: '30s',
    }),
    connectTimeoutMs: setting({
      name: 'kafka_connect_timeout',
      type: duration('100ms', '5m'),
      default: '10s',
      describe: 'Until a connection to a broker, TLS included, must stand.',
      example: '3s',
    }),
    commitIntervalMs: setting({
      name: 'kafka_commit_interval',
      type: duration('50ms', '1m'),
      default: '1s',
      describe: 'Between commits; a thousand finished records do not wait for it.',
      example: '5s',
    }),
    topicRefreshMs: setting({
      name: 'kafka_topic_refresh',
      type: duration('1s', '1h'),
      default: '30s',
      describe: 'How often topics are looked at again: made anew, missing, not permitted, or newly matched by a pattern.',
      example: '5s',
    }),
    rackId: optionalSetting({
      name: 'kafka_rack',
      type: text({ maxLength: 255 }),
      describe: 'Rack or zone of this replica: brokers then name a replica that is near.',
      example: 'eu-west-1a',
    }),
    clientId: setting({
      name: 'kafka_client_id',
      aliases: ['connector_name'],
      type: text({ maxLength: 249, pattern: /^[A-Za-z0-9._-]+$/, allowed: 'letters, digits and ._-' }),
      default: 'millrace',
      describe: 'Name of this client for the brokers: quotas and logs.',
      example: 'orders-connector',
    }),
    logSessions: setting({
      name: 'log_sessions',
      type: boolean(),
      default: 'true',
      describe: 'Accepted for existing deployments; assignments are always logged.',
      example: 'false',
    }),
    tls: setting({
      name: 'kafka_tls',
      aliases: ['tls', 'kafka_ssl'],
      type: boolean(),
      default: 'false',
      describe: 'Speak TLS with the brokers. The Pro connector has it on by default: set it there.',
      example: 'true',
      foreign: onlyByFlag,
    }),
    // No secret, but read as one: its file again at each connection, so that a new authority needs no restart.
    tlsCa: secretSetting({
      name: 'kafka_ca',
      aliases: ['ca'],
      fileAliases: ['kafka_ssl_ca'],
      mounts: ['broker-ca/broker-ca'],
      type: pem('CERTIFICATE'),
      describe: 'Authorities to trust instead of the public ones; its file is read again at each connection.',
      example: '/var/secrets/kafka-ca.pem',
      foreign: onlyByFlag,
    }),
    tlsCert: secretSetting({
      name: 'kafka_cert',
      aliases: ['cert'],
      fileAliases: ['kafka_ssl_cert'],
      mounts: ['broker-cert/broker-cert'],
      type: pem('CERTIFICATE'),
      describe: 'Client certificate; its file is read again at each connection.',
      example: '/var/secrets/kafka-client.pem',
      foreign: onlyByFlag,
    }),
    tlsKey: secretSetting({
      name: 'kafka_key',
      aliases: ['key'],
      fileAliases: ['kafka_ssl_key'],
      mounts: ['broker-key/broker-key'],
      type: pem('PRIVATE KEY'),
      describe: 'Private key of the client certificate.',
      example: '/var/secrets/kafka-client.key',
      foreign: onlyByFlag,
    }),
    saslMechanism: setting({
      name: 'kafka_sasl_mechanism',
      aliases: ['sasl_mechanism'],
      type: choice(['none', 'plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer']),
      default: 'none',
      describe: 'How to log in. With a user name and `none` it is plain, as in the Pro connector.',
      example: 'scram-sha-512',
    }),
    username: secretSetting({
      name: 'kafka_username',
      aliases: ['username'],
      type: text({ maxLength: 1024 }),
      mounts: ['broker-username', 'broker-username/broker-username'],
      describe: 'SASL user.',
      example: '/var/secrets/broker-username',
      foreign: onlyByFlag,
    }),
    password: secretSetting({
      name: 'kafka_password',
      aliases: ['password'],
      type: text({ maxLength: 4096 }),
      mounts: ['broker-password', 'broker-password/broker-password'],
      describe: 'Password of the SASL user.',
      example: '/var/secrets/broker-password',
      foreign: onlyByFlag,
    }),
    oauthTokenUrl: optionalSetting({
      name: 'kafka_oauth_token_url',
      type: url(['https', 'http']),
      describe: 'Token endpoint for oauthbearer (client credentials, RFC 6749 section 4.4).',
      example: 'https://login.example.com/oauth2/token',
    }),
    oauthClientId: secretSetting({
      name: 'kafka_oauth_client_id',
      type: text({ maxLength: 1024 }),
      describe: 'Client id for the token endpoint.',
      example: '/var/secrets/oauth-client-id',
    }),
    oauthClientSecret: secretSetting({
      name: 'kafka_oauth_client_secret',
      type: text({ maxLength: 4096 }),
      describe: 'Client secret for the token endpoint.',
      example: '/var/secrets/oauth-client-secret',
    }),
    oauthScope: optionalSetting({
      name: 'kafka_oauth_scope',
      type: text({ maxLength: 1024 }),
      describe: 'Scope to ask for.',
      example: 'kafka',
    }),
  },
  check(values, report) {
    if (values.heartbeatMs * 3 > values.sessionTimeoutMs)
      report('kafka_heartbeat_interval', 'it is more than a third of kafka_session_timeout')
    if (values.maxWaitMs * 3 > values.sessionTimeoutMs)
      report('kafka_max_wait', 'heartbeats wait behind a fetch: it is more than a third of kafka_session_timeout')
    if (values.rebalanceTimeoutMs < values.sessionTimeoutMs) report('kafka_rebalance_timeout', 'it is below kafka_session_timeout')
    if (values.maxPartitionBytes > values.maxBytes) report('max_bytes', 'it is above kafka_fetch_max_bytes')
    if (values.brokers.length === 0) report('broker_hosts', 'there is no broker')
    checkTls(values, report)
    checkRegistry(values, report)
    checkSasl(values, report)
  },
}

type Report = (name: string, reason: string) => void

const checkTls = (values: Readonly<KafkaConfig>, report: Report): void => {
  const { tls, tlsCa, tlsCert, tlsKey } = values
  if ((tlsCert === undefined) !== (tlsKey === undefined))
    report(tlsCert === undefined ? 'kafka_cert' : 'kafka_key', 'certificate and key go together')
  if (!tls && (tlsCa ?? tlsCert) !== undefined) report('kafka_tls', 'certificates are given, and TLS is off')
}

const checkSasl = (values: Readonly<KafkaConfig>, report: Report): void => {
  const { saslMechanism, username, password, oauthTokenUrl, oauthClientId, oauthClientSecret } = values
  if ((username === undefined) !== (password === undefined))
    report(username === undefined ? 'kafka_username' : 'kafka_password', 'user and password go together')
  if (saslMechanism === 'oauthbearer') {
    if (oauthTokenUrl === undefined) report('kafka_oauth_token_url', 'oauthbearer needs it')
    if (oauthClientId === undefined) report('kafka_oauth_client_id', 'oauthbearer needs it')
    if (oauthClientSecret === undefined) report('kafka_oauth_client_secret', 'oauthbearer needs it')
  } else if (saslMechanism !== 'none' && username === undefined) report('kafka_username', `${saslMechanism} needs it`)
  if (oauthTokenUrl !== undefined && saslMechanism !== 'oauthbearer')
    report('kafka_sasl_mechanism', 'a token endpoint is given, and the mechanism is not oauthbearer')
}
