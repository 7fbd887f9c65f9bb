import type { Certificates } from '../certificates.ts'
import type { ErlangNode } from './erlang.ts'

export interface RabbitmqUser {
  readonly username: string
  readonly password: string
}

/** How to reach a broker: all of it data, so that it can be handed to another process. */
export interface RabbitmqAddresses {
  readonly host: '127.0.0.1'
  /** The plain door. */
  readonly port: number
  /** The plain door through a proxy, when there is one. */
  readonly proxiedPort?: number
  /** The broker shows a certificate for `localhost`; the client may show one: its CN is the user of EXTERNAL. */
  readonly tlsPort: number
  /** The client must show a certificate. */
  readonly mtlsPort: number
  readonly certificates: Certificates
  /** Of the management API, without a slash at the end. */
  readonly managementUrl: string
  readonly credentials: RabbitmqCredentials
  readonly node: ErlangNode
}

export interface RabbitmqCredentials {
  /** Administrator, may do everything in `/`. */
  readonly admin: RabbitmqUser
  /** May do nothing in `/` before `setPermissions` says so, not even come in. */
  readonly alice: RabbitmqUser
}

/** The user of the client certificate (CN `client`), for EXTERNAL; has no password and may do everything in `/`. */
export const externalUser = 'client'

export const rabbitmqCredentials: RabbitmqCredentials = {
  admin: { username: 'admin', password: 'admin-secret' },
  alice: { username: 'alice', password: 'alice-secret' },
}

/** `amqp`: around the proxy; `proxied`: through it; `tls` and `mtls`: named `localhost`, so that host names are checked. */
export type Door = 'amqp' | 'mtls' | 'proxied' | 'tls'

export interface UrlOptions {
  /** @default 'amqp' */
  readonly door?: Door
  /** `external`: none, the certificate says who it is. @default the administrator */
  readonly user?: RabbitmqUser | 'external'
  /** @default '/' */
  readonly vhost?: string
}

const portOf = (addresses: RabbitmqAddresses, door: Door): number => {
  if (door === 'amqp') return addresses.port
  if (door === 'tls') return addresses.tlsPort
  if (door === 'mtls') return addresses.mtlsPort
  if (addresses.proxiedPort === undefined) throw new Error('the broker was started without a proxy')
  return addresses.proxiedPort
}

/** `amqp://user:password@127.0.0.1:PORT/%2F`, or `amqps://...@localhost:PORT/%2F`. */
export const urlOf = (addresses: RabbitmqAddresses, options: UrlOptions = {}): string => {
  const { door = 'amqp', user = addresses.credentials.admin, vhost = '/' } = options
  const secure = door === 'tls' || door === 'mtls'
  const login = user === 'external' ? '' : `${encodeURIComponent(user.username)}:${encodeURIComponent(user.password)}@`
  const host = secure ? 'localhost' : addresses.host
  return `${secure ? 'amqps' : 'amqp'}://${login}${host}:${portOf(addresses, door)}/${encodeURIComponent(vhost)}`
}
