import { randomBytes } from 'node:crypto'
import type { Certificates } from '../certificates.ts'
import type { User } from './properties.ts'

/** How to reach a server: all of it data, so that it can be handed to another process. Each door is a list for `brokers`. */
export interface KafkaAddresses {
  readonly clusterId: string
  /** No login; administrator's rights. */
  readonly bootstrap: readonly string[]
  /** Absent when the server was started without security. */
  readonly secure?: SecureAddresses
  /** Plain, through a proxy for each broker. Empty unless asked for. */
  readonly proxied: readonly string[]
}

export interface SecureAddresses {
  /** PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 and OAUTHBEARER (unsecured tokens: `oauthToken`). */
  readonly saslPlaintext: readonly string[]
  readonly saslSsl: readonly string[]
  /** The server shows a certificate and asks for none: administrator's rights. */
  readonly ssl: readonly string[]
  /** The client must show a certificate; its CN is the user. */
  readonly mtls: readonly string[]
  readonly certificates: Certificates
  readonly credentials: Credentials
}

/** Known to PLAIN and to both SCRAM mechanisms. */
export interface Credentials {
  /** May do everything. */
  readonly admin: User
  /** May do nothing before somebody gives rights with `admin.createAcls`. */
  readonly alice: User
}

export const credentials: Credentials = {
  admin: { username: 'admin', password: 'admin-secret' },
  alice: { username: 'alice', password: 'alice-secret' },
}

/** All of them. */
export const users: readonly User[] = [credentials.admin, credentials.alice]

const base64Url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** An unsigned token, as the brokers of the test bed take it: for `oauthBearerProvider`. */
export const oauthToken = (user: string, lifetimeMs = 3_600_000): string => {
  const now = Date.now() / 1000
  return `${base64Url({ alg: 'none' })}.${base64Url({ sub: user, iat: now, exp: now + lifetimeMs / 1000 })}.`
}

/** A new cluster id. One with a dash in front would be taken for an option by the format tool. */
export const createClusterId = (): string => {
  const id = randomBytes(16).toString('base64url')
  return id.startsWith('-') ? createClusterId() : id
}
