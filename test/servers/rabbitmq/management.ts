/** A connection as the management API lists it (about a second old). */
export interface ListedConnection {
  readonly name: string
  readonly user: string
  readonly state: string
  readonly vhost: string
  /** `connection_name` of the client's properties, or empty. */
  readonly clientName: string
}

/** Calls of the management API. `undefined`: there is no such thing. */
export type ManagementCall = (method: string, path: string, body?: unknown) => Promise<unknown>

/** A path of the API: every part is encoded. */
export const apiPath = (...parts: readonly string[]): string => `/api/${parts.map((part) => encodeURIComponent(part)).join('/')}`

/** Throws what the API answers, but for 404. */
export const createManagement = (url: string, user: { readonly username: string; readonly password: string }): ManagementCall => {
  const authorization = `Basic ${Buffer.from(`${user.username}:${user.password}`).toString('base64')}`
  return async (method, path, body) => {
    const response = await fetch(`${url}${path}`, {
      method,
      // No connection is kept: one that outlives the server would make the next call fail.
      headers: { authorization, connection: 'close', 'content-type': 'application/json' },
      signal: AbortSignal.timeout(30_000),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (response.status === 404) return undefined
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 500)}`)
    return text === '' ? undefined : (JSON.parse(text) as unknown)
  }
}

export const listConnections = async (call: ManagementCall): Promise<readonly ListedConnection[]> => {
  const found = ((await call('GET', '/api/connections')) ?? []) as readonly Readonly<Record<string, unknown>>[]
  const text = (value: unknown): string => (typeof value === 'string' ? value : '')
  return found.map(({ name, user, state, vhost, user_provided_name: clientName }) => ({
    name: text(name),
    user: text(user),
    state: text(state),
    vhost: text(vhost),
    clientName: text(clientName),
  }))
}
