/** The ports of one broker, on 127.0.0.1. */
export interface BrokerPorts {
  readonly plaintext: number
  readonly controller: number
  /** Absent: the broker has no secure doors. */
  readonly secure?: SecurePorts
  /** Where the broker listens, and the port of the proxy in front of it that it tells clients to use. */
  readonly proxied?: { readonly listen: number; readonly advertise: number }
}

export interface SecurePorts {
  readonly saslPlaintext: number
  readonly saslSsl: number
  readonly ssl: number
  readonly mtls: number
}

export interface PropertiesInput {
  readonly nodeId: number
  readonly ports: BrokerPorts
  /** All nodes: id and controller port. */
  readonly voters: readonly { readonly nodeId: number; readonly port: number }[]
  readonly dataFolder: string
  /** With `broker.pem` and `ca.pem`. Needed when `ports.secure` is there. */
  readonly certificateFolder: string
  readonly users: readonly User[]
  /** Come last, and so win. */
  readonly extra: Readonly<Record<string, string>>
}

export interface User {
  readonly username: string
  readonly password: string
}

const replicated = (nodes: number): Record<string, string> => {
  const factor = String(nodes)
  const inSync = String(nodes > 1 ? 2 : 1)
  const internal = ['offsets.topic', 'transaction.state.log', 'share.coordinator.state.topic']
  return {
    'default.replication.factor': factor,
    'min.insync.replicas': inSync,
    ...Object.fromEntries(internal.map((topic) => [`${topic}.replication.factor`, factor])),
    ...Object.fromEntries(internal.map((topic) => [`${topic}.num.partitions`, '1'])),
    'transaction.state.log.min.isr': inSync,
    'share.coordinator.state.topic.min.isr': inSync,
  }
}

interface Listener {
  readonly name: string
  readonly protocol: 'PLAINTEXT' | 'SASL_PLAINTEXT' | 'SASL_SSL' | 'SSL'
  readonly port: number
  /** What clients are told. TLS doors are named `localhost`, so that host names are checked. */
  readonly advertise: string
}

const listenersOf = ({ plaintext, secure, proxied }: BrokerPorts): readonly Listener[] => [
  { name: 'PLAINTEXT', protocol: 'PLAINTEXT', port: plaintext, advertise: `127.0.0.1:${plaintext}` },
  ...(secure === undefined
    ? []
    : ([
        { name: 'SASL_PLAINTEXT', protocol: 'SASL_PLAINTEXT', port: secure.saslPlaintext, advertise: `127.0.0.1:${secure.saslPlaintext}` },
        { name: 'SASL_SSL', protocol: 'SASL_SSL', port: secure.saslSsl, advertise: `localhost:${secure.saslSsl}` },
        { name: 'SSL', protocol: 'SSL', port: secure.ssl, advertise: `localhost:${secure.ssl}` },
        { name: 'MTLS', protocol: 'SSL', port: secure.mtls, advertise: `localhost:${secure.mtls}` },
      ] as const)),
  ...(proxied === undefined
    ? []
    : [{ name: 'PROXIED', protocol: 'PLAINTEXT' as const, port: proxied.listen, advertise: `127.0.0.1:${proxied.advertise}` }]),
]

const login = (name: string, options = ''): string => `org.apache.kafka.common.security.${name} required${options};`

const saslOf = (users: readonly User[]): Record<string, string> => {
  const plainUsers = users.map(({ username, password }) => ` user_${username}="${password}"`).join('')
  return Object.fromEntries(
    ['sasl_plaintext', 'sasl_ssl'].flatMap((listener) => [
      [`listener.name.${listener}.scram-sha-512.sasl.jaas.config`, login('scram.ScramLoginModule')],
      [`listener.name.${listener}.scram-sha-256.sasl.jaas.config`, login('scram.ScramLoginModule')],
      [`listener.name.${listener}.plain.sasl.jaas.config`, login('plain.PlainLoginModule', plainUsers)],
      [
        `listener.name.${listener}.oauthbearer.sasl.jaas.config`,
        login('oauthbearer.OAuthBearerLoginModule', ' unsecuredLoginStringClaim_sub="broker"'),
      ],
    ]),
  )
}

/** TLS, SASL and ACLs. Whoever comes through a door without a login is `User:ANONYMOUS`, the administrator. */
const secureOf = ({ certificateFolder, users }: PropertiesInput): Record<string, string> => ({
  'sasl.enabled.mechanisms': 'SCRAM-SHA-512,SCRAM-SHA-256,PLAIN,OAUTHBEARER',
  'ssl.keystore.type': 'PEM',
  'ssl.keystore.location': `${certificateFolder}/broker.pem`,
  'ssl.truststore.type': 'PEM',
  'ssl.truststore.location': `${certificateFolder}/ca.pem`,
  'listener.name.mtls.ssl.client.auth': 'required',
  'ssl.principal.mapping.rules': 'RULE:^CN=(.*)$/$1/,DEFAULT',
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:ANONYMOUS;User:admin',
  ...saslOf(users),
})

/** The text of a `server.properties` of a node that is broker and controller. */
export const serverProperties = (input: PropertiesInput): string => {
  const listeners = listenersOf(input.ports)
  const all: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': String(input.nodeId),
    'controller.quorum.voters': input.voters.map(({ nodeId, port }) => `${nodeId}@127.0.0.1:${port}`).join(','),
    listeners: [...listeners, { name: 'CONTROLLER', port: input.ports.controller }]
      .map(({ name, port }) => `${name}://127.0.0.1:${port}`)
      .join(','),
    'advertised.listeners': listeners.map(({ name, advertise }) => `${name}://${advertise}`).join(','),
    'listener.security.protocol.map': ['CONTROLLER:PLAINTEXT', ...listeners.map(({ name, protocol }) => `${name}:${protocol}`)].join(','),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': input.dataFolder,
    'num.partitions': '1',
    'auto.create.topics.enable': 'false',
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    'log.cleaner.dedupe.buffer.size': '16777216',
    ...replicated(input.voters.length),
    ...(input.ports.secure !== undefined && secureOf(input)),
    ...input.extra,
  }
  return `${Object.entries(all)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n')}\n`
}

/** The text of a `log4j2.properties`: to the console, from a level on. */
export const logProperties = (level: 'info' | 'warn'): string =>
  [
    'status=warn',
    'appender.c.type=Console',
    'appender.c.name=c',
    'appender.c.layout.type=PatternLayout',
    'appender.c.layout.pattern=[%d] %p %m (%c)%n',
    `rootLogger.level=${level}`,
    'rootLogger.appenderRef.c.ref=c',
    '',
  ].join('\n')
