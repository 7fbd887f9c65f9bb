import { boolean, choice, duration, integer, list, optionalSetting, pem, secretSetting, setting, text } from '@millrace/sdk'
import type { SecretReference, Setting } from '@millrace/sdk'
import { brokerUrl, hideCredentials } from './broker-url.ts'
import type { BrokerUrl } from './broker-url.ts'

/** How the brokers are reached. Times in milliseconds. */
export interface ConnectionConfig {
  readonly url: BrokerUrl
  /** `HOST` or `HOST:PORT`; empty: that of `url`. */
  readonly hosts: readonly string[]
  readonly defaultPort: number | undefined
  readonly vhost: string | undefined
  readonly authMechanism: 'plain' | 'external'
  readonly username: SecretReference | undefined
  readonly password: SecretReference | undefined
  readonly tls: boolean
  readonly tlsCa: SecretReference | undefined
  readonly tlsCert: SecretReference | undefined
  readonly tlsKey: SecretReference | undefined
  readonly heartbeatMs: number
  readonly connectTimeoutMs: number
  readonly maxReconnectDelayMs: number
  readonly confirmTimeoutMs: number
  readonly connectionName: string
  readonly insecureSkipVerify: boolean
}

const hostPort = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?$/

/** Words that shells, build tools and desktops use for themselves: in the environment only the long names are ours. */
const onlyByFlag = (variable: string): string | undefined =>
  /^(?:ca|cert|key|username|password)$/i.test(variable) ? 'it is a common name; only the flag and rabbitmq_* are read' : undefined

const places = {
  url: setting({
    name: 'rabbitmq_url',
    aliases: ['rabbitmq'],
    type: brokerUrl(),
    default: 'amqp://rabbitmq:5672',
    describe:
      'The broker; amqps:// for TLS. A user and a password are better kept in files (rabbitmq_username_file); in the environment they may be part of it, in a flag only guest:guest may.',
    example: 'amqps://rabbitmq.example.com/shop',
    hide: hideCredentials,
  }),
  hosts: setting({
    name: 'rabbitmq_hosts',
    aliases: ['rmq_host'],
    type: list({ allowed: 'a comma list of HOST:PORT, or HOST for the default port', pattern: hostPort, maxItems: 32 }),
    default: '',
    describe: 'Nodes of the cluster, tried in turn, instead of the host of rabbitmq_url.',
    example: 'rabbitmq-0:5672,rabbitmq-1:5672',
  }),
  defaultPort: optionalSetting({
    name: 'rabbitmq_default_port',
    aliases: ['rmq_port'],
    type: integer(1, 65_535),
    describe: 'Port of hosts that are named without one. Absent: 5672, with TLS 5671.',
    example: '5673',
  }),
  vhost: optionalSetting({
    name: 'rabbitmq_vhost',
    aliases: ['rmq_vhost'],
    type: text({ maxLength: 255 }),
    describe: 'Virtual host. Absent: that of rabbitmq_url, else `/`.',
    example: 'shop',
  }),
}

const credentials = {
  authMechanism: setting({
    name: 'rabbitmq_auth_mechanism',
    type: choice(['plain', 'external']),
    default: 'plain',
    describe: 'How to log in: with user and password, or `external`: as whom the client certificate names.',
    example: 'external',
  }),
  username: secretSetting({
    name: 'rabbitmq_username',
    aliases: ['username', 'rmq_user'],
    type: text({ maxLength: 1024 }),
    mounts: ['rabbitmq-username', 'rabbitmq-username/username'],
    describe: 'User; guest when there is none at all. Its file is read again at each connection.',
    example: '/var/secrets/rabbitmq-username/username',
    foreign: onlyByFlag,
  }),
  password: secretSetting({
    name: 'rabbitmq_password',
    aliases: ['password', 'rmq_pass'],
    type: text({ maxLength: 4096 }),
    mounts: ['rabbitmq-password', 'rabbitmq-password/password'],
    describe: 'Password of that user.',
    example: '/var/secrets/rabbitmq-password/password',
    foreign: onlyByFlag,
  }),
  tls: setting({
    name: 'rabbitmq_tls',
    aliases: ['tls_enabled'],
    type: boolean(),
    default: 'false',
    describe: 'Speak TLS with the brokers; amqps:// in rabbitmq_url means the same.',
    example: 'true',
  }),
  // No secret, but read as one: its file again at each connection, so that a new authority needs no restart.
  tlsCa: secretSetting({
    name: 'rabbitmq_ca',
    aliases: ['ca'],
    fileAliases: ['tls_ca_cert_path'],
    mounts: ['rabbitmq-ca/ca-cert'],
    type: pem('CERTIFICATE'),
    describe: 'Authorities to trust instead of the public ones; its file is read again at each connection.',
    example: '/var/secrets/rabbitmq-ca/ca-cert',
    foreign: onlyByFlag,
  }),
  tlsCert: secretSetting({
    name: 'rabbitmq_cert',
    aliases: ['cert'],
    fileAliases: ['tls_server_cert_path'],
    mounts: ['client-cert/client-cert'],
    type: pem('CERTIFICATE'),
    describe: 'Client certificate; its file is read again at each connection.',
    example: '/var/secrets/client-cert/client-cert',
    foreign: onlyByFlag,
  }),
  tlsKey: secretSetting({
    name: 'rabbitmq_key',
    aliases: ['key'],
    fileAliases: ['tls_server_key_path'],
    mounts: ['client-key/client-key'],
    type: pem('PRIVATE KEY'),
    describe: 'Private key of the client certificate.',
    example: '/var/secrets/client-key/client-key',
    foreign: onlyByFlag,
  }),
}

/** The settings of the connection: ours, those of the Pro connector, and Templum's. */
export const connectionSettings: { readonly [K in keyof ConnectionConfig]: Setting<ConnectionConfig[K]> } = {
  ...places,
  ...credentials,
  heartbeatMs: setting({
    name: 'rabbitmq_heartbeat',
    type: duration('1s', '10m'),
    default: '10s',
    describe: 'Between heartbeats, whole seconds. A link that says nothing is given up after two to three of them.',
    example: '5s',
  }),
  connectTimeoutMs: setting({
    name: 'rabbitmq_connect_timeout',
    type: duration('100ms', '5m'),
    default: '10s',
    describe: 'Until a connection, TLS and handshake included, must stand.',
    example: '3s',
  }),
  maxReconnectDelayMs: setting({
    name: 'rabbitmq_max_reconnect_delay',
    type: duration('100ms', '5m'),
    default: '3s',
    describe:
      'Longest wait between two attempts to connect; they go on for ever. However long the broker was away, the next call comes about so long after it is back.',
    example: '30s',
  }),
  confirmTimeoutMs: setting({
    name: 'rabbitmq_confirm_timeout',
    type: duration('1s', '10m'),
    default: '30s',
    describe:
      'How long the broker may take to confirm a retry, a dead letter or a reply. After that it counts as not sent and is sent again; time under an alarm does not count.',
    example: '1m',
  }),
  connectionName: setting({
    name: 'rabbitmq_connection_name',
    type: text({ maxLength: 200, pattern: /^[A-Za-z0-9._:/ -]+$/, allowed: 'letters, digits and ._:/-' }),
    default: 'millrace',
    describe: 'Name of the connections, as the management page and logs of the broker show them.',
    example: 'orders-connector',
  }),
  insecureSkipVerify: setting({
    name: 'insecure_skip_verify',
    type: boolean(),
    default: 'false',
    describe: 'Accepted for deployments of the Templum connector and ignored: certificates of the gateway are always verified.',
    example: 'false',
    warn: (value) => (value ? 'certificates are always verified; name the authority of the gateway with gateway_tls_ca_file' : undefined),
  }),
}

type Report = (name: string, reason: string) => void

const checkTls = (values: Readonly<ConnectionConfig>, report: Report): void => {
  const { url, tls, tlsCa, tlsCert, tlsKey, authMechanism } = values
  if ((tlsCert === undefined) !== (tlsKey === undefined))
    report(tlsCert === undefined ? 'rabbitmq_cert' : 'rabbitmq_key', 'certificate and key go together')
  if (!tls && !url.tls && (tlsCa ?? tlsCert) !== undefined) report('rabbitmq_tls', 'certificates are given, and TLS is off')
  if (authMechanism === 'external' && tlsCert === undefined)
    report('rabbitmq_cert', 'external names the user by a client certificate, and there is none')
}

/** Rules over several of them. */
export const checkConnection = (values: Readonly<ConnectionConfig>, report: Report): void => {
  const { url, vhost, username, password, authMechanism, heartbeatMs } = values
  if (vhost !== undefined && url.vhost !== undefined && url.vhost !== vhost)
    report('rabbitmq_vhost', 'rabbitmq_url names another virtual host')
  if (username !== undefined && url.username !== undefined) report('rabbitmq_username', 'rabbitmq_url has a user as well')
  if (password !== undefined && url.password !== undefined) report('rabbitmq_password', 'rabbitmq_url has a password as well')
  const [hasUser, hasPassword] = [(username ?? url.username) !== undefined, (password ?? url.password) !== undefined]
  if (hasUser !== hasPassword) report(hasUser ? 'rabbitmq_password' : 'rabbitmq_username', 'user and password go together')
  if (authMechanism === 'external' && hasUser)
    report('rabbitmq_auth_mechanism', 'a user is given, and external takes that of the certificate')
  if (heartbeatMs % 1000 !== 0) report('rabbitmq_heartbeat', 'it is not whole seconds')
  checkTls(values, report)
}
