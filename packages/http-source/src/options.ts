import type { Secret } from '@millrace/sdk'

/** What `httpSource` takes. Everything has a default. */
export interface HttpSourceOptions {
  /** Address to listen on. @default '127.0.0.1' */
  readonly host?: string
  /** 0 takes a free one; `url` then says which. @default 0 */
  readonly port?: number
  /**
   * Bearer tokens, of which a request must have one; asked for each request, so that they can be rotated. An empty list lets nobody
   * in. Absent: everybody may publish, except web pages (requests with an `Origin`).
   */
  readonly tokens?: () => Promise<readonly Secret[]>
  /** Largest body of a request. Keep it at or below the connector's `maxEventBytes`. @default 16777216 */
  readonly maxBodyBytes?: number
  /** Bodies that are being received, all together; above it: 429. @default 67108864, or `maxBodyBytes` if that is more */
  readonly maxReceivingBytes?: number
  /** Characters of a topic. @default 255 */
  readonly maxTopicLength?: number
  /** Bytes of the request line and all headers; above it: 431. @default 16384 */
  readonly maxHeaderBytes?: number
  /** Headers of a request; above it: 431. @default 128 */
  readonly maxHeaders?: number
  /** Connections at once; further ones are closed at once. @default 1024 */
  readonly maxConnections?: number
  /** Clients that wait for results at once; above it: 429. @default 1000 */
  readonly maxWaiting?: number
  /** What `?wait=true` waits, and the longest that may be asked for, in milliseconds. @default 120000 */
  readonly maxWaitMs?: number
  /** Until all headers must be there, in milliseconds. @default 10000 */
  readonly headersTimeoutMs?: number
  /** Until the whole request must be there, in milliseconds. @default 60000 */
  readonly requestTimeoutMs?: number
  /** How long a connection may be idle, in milliseconds. @default 30000 */
  readonly keepAliveTimeoutMs?: number
  /** How often the time-outs of requests are looked after, in milliseconds. @default 1000 */
  readonly checkIntervalMs?: number
  /** Ids of events whose client names none. @default a random UUID */
  readonly newId?: () => string
}

/** Options with their defaults. */
export type HttpSettings = Required<Omit<HttpSourceOptions, 'tokens'>> & Pick<HttpSourceOptions, 'tokens'>

const mebibyte = 1024 * 1024

/** Fills in the defaults. */
export const withDefaults = (options: HttpSourceOptions): HttpSettings => {
  const maxBodyBytes = options.maxBodyBytes ?? 16 * mebibyte
  return {
    host: '127.0.0.1',
    port: 0,
    maxTopicLength: 255,
    maxHeaderBytes: 16_384,
    maxHeaders: 128,
    maxConnections: 1024,
    maxWaiting: 1000,
    maxWaitMs: 120_000,
    headersTimeoutMs: 10_000,
    requestTimeoutMs: 60_000,
    keepAliveTimeoutMs: 30_000,
    checkIntervalMs: 1000,
    newId: () => crypto.randomUUID(),
    ...options,
    maxBodyBytes,
    maxReceivingBytes: Math.max(options.maxReceivingBytes ?? 64 * mebibyte, maxBodyBytes),
  }
}
