import type { Logger, Secret } from '@millrace/sdk'
import type { KafkaConfig, LogEntry, SASLOptions } from './kafkajs.ts'
import { logLevel } from './kafkajs.ts'

/** TLS of a connection, as PEM text. All absent: the public authorities, no client certificate. */
export interface TlsMaterial {
  readonly ca?: string
  readonly cert?: string
  readonly key?: Secret
}

/** How to log in. Credentials are read when a client is made, so that a rotation needs no restart. */
export type SaslMaterial =
  | { readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; readonly username: string; readonly password: Secret }
  /** `token` is asked for at each login; kafkajs logs in again before the broker's session ends (KIP-368). */
  | { readonly mechanism: 'oauthbearer'; readonly token: () => Promise<string> }

/** What a client needs of this moment. */
export interface ConnectionMaterial {
  readonly tls?: TlsMaterial
  readonly sasl?: SaslMaterial
}

/** How to reach the cluster. */
export interface ConnectionOptions {
  /** `HOST:PORT` each. */
  readonly brokers: readonly string[]
  readonly clientId: string
  /** Read anew for each client: files may have changed. */
  readonly material: () => Promise<ConnectionMaterial>
  /** @default 10000 */
  readonly connectionTimeoutMs?: number
  /** @default 30000 */
  readonly requestTimeoutMs?: number
  /** How often kafkajs tries by itself before it gives up, from 300 ms doubling. @default 5 */
  readonly retries?: number
}

const saslOf = (sasl: SaslMaterial): SASLOptions =>
  sasl.mechanism === 'oauthbearer'
    ? { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: await sasl.token() }) }
    : { mechanism: sasl.mechanism, username: sasl.username, password: sasl.password.reveal() }

/** The user for messages. */
export const userOf = ({ sasl }: ConnectionMaterial): string =>
  sasl === undefined ? 'anonymous' : sasl.mechanism === 'oauthbearer' ? '(of the token)' : sasl.username

/**
 * kafkajs logs connection data and stacks, and repeats itself. All of it goes to debug: what matters comes as an error, and is logged
 * once by whoever handles it.
 */
const logTo = (logger: Logger, onEntry: (entry: LogEntry) => void): ((entry: LogEntry) => void) => {
  return (entry) => {
    onEntry(entry)
    const { message, groupId, topic, partition } = entry.log as Record<string, unknown> & { message: string }
    logger.debug(`kafkajs: ${message}`.slice(0, 500), { namespace: entry.namespace, groupId, topic, partition })
  }
}

/** The configuration of one kafkajs client. */
export const clientConfig = async (
  options: ConnectionOptions,
  logger: Logger,
  onEntry: (entry: LogEntry) => void = () => {},
): Promise<{ readonly config: KafkaConfig; readonly user: string }> => {
  const material = await options.material()
  const { tls, sasl } = material
  const config: KafkaConfig = {
    clientId: options.clientId,
    brokers: [...options.brokers],
    connectionTimeout: options.connectionTimeoutMs ?? 10_000,
    requestTimeout: options.requestTimeoutMs ?? 30_000,
    // Half of the shortest session that brokers are set to in practice: at or above it every request logs in again and is refused.
    reauthenticationThreshold: 10_000,
    retry: { retries: options.retries ?? 5, initialRetryTime: 300, maxRetryTime: 5000 },
    logLevel: logLevel.ERROR,
    logCreator: () => logTo(logger, onEntry),
    ...(tls !== undefined && {
      ssl: {
        ...(tls.ca !== undefined && { ca: [tls.ca] }),
        ...(tls.cert !== undefined && { cert: tls.cert }),
        ...(tls.key !== undefined && { key: tls.key.reveal() }),
      },
    }),
    ...(sasl !== undefined && { sasl: saslOf(sasl) }),
  }
  return { config, user: userOf(material) }
}
