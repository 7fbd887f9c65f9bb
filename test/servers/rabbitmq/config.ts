/** The ports of a broker, on 127.0.0.1. */
export interface RabbitmqPorts {
  readonly amqp: number
  readonly tls: number
  /** Opened after the start: the configuration knows one set of TLS options for all its listeners. */
  readonly mtls: number
  readonly management: number
  /** Between Erlang nodes. */
  readonly dist: number
  readonly epmd: number
}

export interface ConfigInput {
  readonly ports: RabbitmqPorts
  readonly admin: { readonly username: string; readonly password: string }
  /** As the broker sees it: with `broker.crt`, `broker.key` and `ca.pem`. */
  readonly folder: string
  /** Come last, and so win. */
  readonly extra: Readonly<Record<string, string>>
}

/** The text of a `rabbitmq.conf` (sysctl format, rabbitmq.com/docs/configure). */
export const rabbitmqConf = ({ ports, admin, folder, extra }: ConfigInput): string => {
  const all: Record<string, string> = {
    'listeners.tcp.1': `127.0.0.1:${ports.amqp}`,
    'listeners.ssl.1': `127.0.0.1:${ports.tls}`,
    'ssl_options.cacertfile': `${folder}/ca.pem`,
    'ssl_options.certfile': `${folder}/broker.crt`,
    'ssl_options.keyfile': `${folder}/broker.key`,
    // A client may show a certificate; one that does must show a good one.
    'ssl_options.verify': 'verify_peer',
    'ssl_options.fail_if_no_peer_cert': 'false',
    ssl_cert_login_from: 'common_name',
    'auth_mechanisms.1': 'PLAIN',
    'auth_mechanisms.2': 'AMQPLAIN',
    'auth_mechanisms.3': 'EXTERNAL',
    'management.tcp.ip': '127.0.0.1',
    'management.tcp.port': String(ports.management),
    // Taken when the data folder is new.
    default_user: admin.username,
    default_pass: admin.password,
    'loopback_users.guest': 'true',
    'disk_free_limit.absolute': '10MB',
    'log.console': 'true',
    'log.console.level': 'warning',
    'log.file': 'false',
    ...extra,
  }
  return `${Object.entries(all)
    .map(([name, value]) => `${name} = ${value}`)
    .join('\n')}\n`
}

export const enabledPlugins = '[rabbitmq_management,rabbitmq_auth_mechanism_ssl].\n'

export interface EnvironmentInput {
  readonly node: string
  readonly ports: RabbitmqPorts
  /** As the broker sees it. */
  readonly folder: string
}

/**
 * Outside of the system's service: nothing of /etc/rabbitmq or /var/lib/rabbitmq is read or written. Statistics once a second, so that the
 * management API is not 5 s behind; schedulers that sleep when there is nothing to do, because the tests have the same cores.
 */
export const rabbitmqEnvironment = ({ node, ports, folder }: EnvironmentInput): Record<string, string> => ({
  PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
  // The cookie is there.
  HOME: folder,
  LANG: 'C.UTF-8',
  RABBITMQ_NODENAME: node,
  RABBITMQ_CONF_ENV_FILE: `${folder}/none`,
  RABBITMQ_CONFIG_FILE: `${folder}/rabbitmq.conf`,
  RABBITMQ_ADVANCED_CONFIG_FILE: `${folder}/advanced.config`,
  RABBITMQ_ENABLED_PLUGINS_FILE: `${folder}/enabled_plugins`,
  RABBITMQ_MNESIA_BASE: `${folder}/data`,
  RABBITMQ_LOG_BASE: `${folder}/log`,
  RABBITMQ_PID_FILE: `${folder}/pid`,
  RABBITMQ_GENERATED_CONFIG_DIR: `${folder}/config`,
  RABBITMQ_DIST_PORT: String(ports.dist),
  ERL_EPMD_ADDRESS: '127.0.0.1',
  ERL_EPMD_PORT: String(ports.epmd),
  ERL_CRASH_DUMP_SECONDS: '0',
  // The script then becomes the server, in place of waiting for it.
  RUNNING_UNDER_SYSTEMD: 'true',
  RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: [
    '-kernel inet_dist_use_interface {127,0,0,1}',
    '-rabbit collect_statistics_interval 1000 -rabbit quorum_tick_interval 1000',
    '+sbwt none +sbwtdcpu none +sbwtdio none',
  ].join(' '),
})
