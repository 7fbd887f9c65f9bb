import { MillraceError } from '../../core/errors.ts'
import type { Secret } from '../../core/secret.ts'

/** A host and a port. */
export interface RedisHost {
  readonly host: string
  readonly port: number
}

/** Where the state lies. Holds no secret. */
export interface RedisTarget {
  /** Ignored with Sentinel. */
  readonly at: RedisHost
  readonly tls: boolean
  readonly db: number
  /** The name under which the sentinels know the master. */
  readonly sentinel?: { readonly name: string; readonly hosts: readonly RedisHost[] }
  /** For messages. */
  readonly address: string
}

/** What a connection needs of this moment: files may have changed since the last one. */
export interface RedisMaterial {
  /** Absent: Redis' default user. */
  readonly username?: string
  readonly password?: Secret
  readonly sentinelPassword?: Secret
  /** As PEM text; only with `rediss://`. */
  readonly ca?: string
  readonly cert?: string
  readonly key?: Secret
}

/** Why a URL cannot be used; `undefined` when it can. Never quotes it. */
export const refuseRedisUrl = (url: string): string | undefined => {
  if (!URL.canParse(url)) return 'it is not a URL'
  const { protocol, hostname, username, password, pathname, search, hash } = new URL(url)
  if (protocol !== 'redis:' && protocol !== 'rediss:') return 'the scheme is not redis or rediss'
  if (username !== '' || password !== '') return 'it has a user name or password in it; use state_username and state_password'
  if (hostname === '') return 'it has no host'
  if (search !== '' || hash !== '') return 'it has a query or a fragment'
  return /^\/?$|^\/\d{1,5}\/?$/.test(pathname) ? undefined : 'after the host there may be the number of a database, and nothing else'
}

const hostOf = (text: string, defaultPort: number): RedisHost => {
  const { hostname, port } = new URL(`redis://${text}`)
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: port === '' ? defaultPort : Number(port) }
}

/**
 * @param sentinels `HOST:PORT` each (port 26379 when left out); the host of the URL is then the name of the master
 * @throws MillraceError `E_STATE_IO` when the URL cannot be used
 */
export const redisTarget = (url: string, sentinels: readonly string[] = []): RedisTarget => {
  const refusal = refuseRedisUrl(url)
  if (refusal !== undefined) throw new MillraceError('E_STATE_IO', { operation: 'open', reason: `its URL cannot be used: ${refusal}` })
  const { protocol, host, hostname, pathname } = new URL(url)
  const db = Number(pathname.replaceAll('/', ''))
  const common = { at: hostOf(host, 6379), tls: protocol === 'rediss:', db }
  if (sentinels.length === 0) return { ...common, address: `${protocol}//${common.at.host}:${common.at.port}/${db}` }
  const hosts = sentinels.map((text) => hostOf(text, 26_379))
  return {
    ...common,
    sentinel: { name: hostname, hosts },
    address: `${protocol}//${hostname}/${db} by the sentinels ${sentinels.join(', ')}`,
  }
}
