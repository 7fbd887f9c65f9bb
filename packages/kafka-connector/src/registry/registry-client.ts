import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import type { IncomingMessage, RequestOptions } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { describeError, isMillraceError, MillraceError } from '@millrace/sdk'
import type { Secret } from '@millrace/sdk'

/** What a request needs of this moment: files may have changed. */
export interface RegistryMaterial {
  readonly username?: string
  readonly password?: Secret
  readonly ca?: string
  readonly cert?: string
  readonly key?: Secret
}

/** How to reach the registry. */
export interface RegistryConnection {
  /** `http://HOST:PORT` or `https://HOST:PORT/PATH`, without credentials. */
  readonly url: string
  readonly material?: () => Promise<RegistryMaterial>
  /** @default 10000 */
  readonly timeoutMs?: number
}

/** Asks the registry. */
export interface RegistryClient {
  /**
   * The JSON at a path; `undefined` when the registry knows no such thing.
   *
   * @throws MillraceError `E_KAFKA_REGISTRY` for everything else: it may answer later
   */
  get(path: string, signal: AbortSignal): Promise<unknown>
  close(): void
}

/** A schema of 1 MiB, escaped, is what registries take at most. */
const maxBody = 8 * 1024 * 1024
/** Schema, subject, version not found: docs.confluent.io, Schema Registry API. A 404 with another body is no answer of a registry. */
const notFoundCodes: ReadonlySet<unknown> = new Set([40401, 40402, 40403])

const readBody = async (response: IncomingMessage): Promise<string> => {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of response as AsyncIterable<Buffer>) {
    length += part.length
    if (length > maxBody) throw new Error(`its answer is longer than ${maxBody} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts).toString()
}

const read = async (response: IncomingMessage): Promise<unknown> => {
  const status = response.statusCode ?? 0
  const text = await readBody(response)
  if (status !== 200 && status !== 404) throw new Error(`it answered ${status}`)
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null) throw new Error('its answer is not an object')
  if (status === 200) return value
  if (notFoundCodes.has((value as { error_code?: unknown }).error_code)) return undefined
  throw new Error('it answered 404, not as a schema registry does')
}

/** A client over Node's own HTTP, which follows no redirects: credentials go to the configured address alone. */
export const registryClient = ({ url, material = () => Promise.resolve({}), timeoutMs = 10_000 }: RegistryConnection): RegistryClient => {
  const secure = url.startsWith('https:')
  const agent = secure ? new HttpsAgent({ keepAlive: true, maxSockets: 4 }) : new HttpAgent({ keepAlive: true, maxSockets: 4 })
  const optionsOf = (given: RegistryMaterial, signal: AbortSignal): RequestOptions => ({
    agent,
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    headers: { accept: 'application/vnd.schemaregistry.v1+json, application/json' },
    ...(given.username !== undefined && { auth: `${given.username}:${given.password?.reveal() ?? ''}` }),
    ...(secure && given.ca !== undefined && { ca: given.ca }),
    ...(secure && given.cert !== undefined && { cert: given.cert, key: given.key?.reveal() }),
  })
  const ask = (path: string, options: RequestOptions): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const request = (secure ? httpsRequest : httpRequest)(`${url.replace(/\/+$/, '')}${path}`, options, resolve)
      request.on('error', reject)
      request.end()
    })
  return {
    async get(path, signal) {
      try {
        return await read(await ask(path, optionsOf(await material(), signal)))
      } catch (error) {
        if (signal.aborted) throw signal.reason
        if (isMillraceError(error)) throw error
        throw new MillraceError('E_KAFKA_REGISTRY', { url, what: path, reason: describeError(error, 200) }, error)
      }
    },
    close: () => agent.destroy(),
  }
}
