import type { Secret } from '@millrace/sdk'

/** TLS of a connection, as PEM text. All absent: the public authorities, no client certificate. */
export interface TlsMaterial {
  readonly ca?: string
  readonly cert?: string
  readonly key?: Secret
  /** Take any certificate of the broker. @default false */
  readonly insecureSkipVerify?: boolean
}

/** What a connection needs of this moment. */
export interface ConnectionMaterial {
  /** `external`: the client certificate says who it is (SASL EXTERNAL). */
  readonly login: 'external' | { readonly username: string; readonly password: Secret }
  /** Absent: plain TCP. */
  readonly tls?: TlsMaterial
}

/** One broker of the cluster. */
export interface BrokerAddress {
  readonly host: string
  readonly port: number
}

/** What `maxDelayMs` is unless it is said. */
export const defaultMaxDelayMs = 3000

/** How to reach the cluster. */
export interface ConnectionOptions {
  /** Tried in turn, from the first; at least one. */
  readonly hosts: readonly BrokerAddress[]
  readonly vhost: string
  /** Read again before each attempt after the first: files may have changed. May reject: that is a failed attempt. */
  readonly material: () => Promise<ConnectionMaterial>
  /** Seconds, at least 1: a link that says nothing is given up after two to three of them. @default 10 */
  readonly heartbeatS?: number
  /** Until TCP and TLS stand and between any two answers of the handshake; an attempt as a whole has twice that. @default 10000 */
  readonly connectTimeoutMs?: number
  /** Longest wait between two attempts, and between two sessions; the first is 200 ms and each next twice as long. @default 3000 */
  readonly maxDelayMs?: number
  /** What a fresh connection has to open a channel, and `close()` of a channel to be answered. @default 5000 */
  readonly probeTimeoutMs?: number
  /** What the broker has to answer `close()` of a connection before its socket is destroyed. @default 1000 */
  readonly closeTimeoutMs?: number
  /** Shown by the management UI, with the role added. @default 'millrace' */
  readonly connectionName?: string
}

/** `host:port, host:port`, for messages. */
export const addressOf = (hosts: readonly BrokerAddress[]): string =>
  hosts.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(', ')

/** The user for messages. */
export const userOf = ({ login }: ConnectionMaterial): string => (login === 'external' ? '(of the certificate)' : login.username)
