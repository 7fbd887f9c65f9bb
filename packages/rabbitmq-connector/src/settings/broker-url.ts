import { Secret } from '@millrace/sdk'
import type { Parsed, RawValue, SettingType } from '@millrace/sdk'

/** What a URL of a broker says (rabbitmq.com, "URI specification"). What it does not say is absent. */
export interface BrokerUrl {
  /** IPv6 without brackets. */
  readonly host: string
  readonly port?: number
  readonly tls: boolean
  readonly vhost?: string
  readonly username?: string
  readonly password?: Secret
}

const allowed = 'amqp:// or amqps://, then USER:PASSWORD@ if it must be, HOST, :PORT and /VHOST (%2F for a slash in it)'

const refuse = (reason: string): Parsed<never> => ({ ok: false, reason })

const decoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** `/` alone stands for the default one: nobody has a virtual host without a name. */
const vhostOf = (path: string): string | undefined => (path === '' || path === '/' ? '' : decoded(path.slice(1)))

const read = (text: string): Parsed<BrokerUrl> => {
  if (text === '') return refuse('it is empty')
  if (!URL.canParse(text)) return refuse('it is not a URL; write special characters of user, password and virtual host as %XX')
  const url = new URL(text)
  if (url.protocol !== 'amqp:' && url.protocol !== 'amqps:') return refuse('the scheme is not allowed')
  if (url.hostname === '') return refuse('it has no host')
  if (url.search !== '' || url.hash !== '')
    return refuse('it has a query or a fragment: heartbeat, timeouts and TLS have settings of their own, rabbitmq_heartbeat and so on')
  const [vhost, username, password] = [vhostOf(url.pathname), decoded(url.username), decoded(url.password)]
  if (vhost === undefined || username === undefined || password === undefined) return refuse('a % in it is no %XX')
  if (password !== '' && username === '') return refuse('it has a password and no user')
  const value = {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    tls: url.protocol === 'amqps:',
    ...(url.port !== '' && { port: Number(url.port) }),
    ...(vhost !== '' && { vhost }),
    ...(username !== '' && { username }),
    ...(password !== '' && { password: new Secret(password) }),
  }
  return { ok: true, value }
}

/** The URL of a broker, with user and password in it where that cannot be helped. */
export const brokerUrl = (): SettingType<BrokerUrl> => ({
  kind: 'url',
  allowed,
  parse: (raw: RawValue) => (typeof raw === 'string' ? read(raw.trim()) : refuse('one value is expected, not a list')),
})

/** What every broker has on its own loopback is no secret (rabbitmq.com, "Access control"). */
const isDefaultUser = (text: string): boolean => /^amqps?:\/\/guest:guest@[^@]*$/.test(text)

/** The URL with user, password and query left out; `undefined`: it has no password. Also of text that is no URL. */
export const hideCredentials = (raw: RawValue): string | undefined => {
  const text = String(raw).trim()
  const at = text.lastIndexOf('@')
  const query = text.search(/[?#]/)
  const start = /^[A-Za-z][A-Za-z0-9+.-]{0,20}:\/\//.exec(text)?.[0] ?? ''
  const hasPassword = at >= 0 && text.slice(start.length, at).includes(':') && !isDefaultUser(text)
  if (!hasPassword && query < 0) return undefined
  // A password with a question mark, or a query with an at sign: it cannot be told which.
  if (hasPassword && query >= 0 && query < at) return `${start}[hidden]`
  const rest = hasPassword ? `[hidden]@${text.slice(at + 1)}` : text.slice(start.length)
  return `${start}${rest.replace(/[?#][^]*$/, '?[hidden]')}`
}
