import { isIP } from 'node:net'
import type { Redis, RedisOptions } from 'ioredis'
import type { Clock } from '../../contract/clock.ts'
import type { RedisScript } from './redis-scripts.ts'
import type { RedisMaterial, RedisTarget } from './redis-target.ts'
import { ReplyWatch } from './redis-watch.ts'

/** The one file that knows ioredis. It is loaded with the first connection: most programs have none. */

/** How long things may take, in milliseconds. */
export interface RedisTimes {
  /** A connection, up to its first useful reply. */
  readonly connectMs: number
  /** Without any reply while one is waited for. The connection is dropped then, since a dead one may look alive for many minutes. */
  readonly commandMs: number
  readonly clock: Clock
}

export type RedisArgument = string | number | Buffer

/** One connection, from the handshake to its loss. */
export interface RedisConnection {
  /** @throws RedisFault */
  call(command: string, ...args: readonly RedisArgument[]): Promise<unknown>
  /** The same with every string of the answer as bytes. @throws RedisFault */
  callBytes(command: string, ...args: readonly RedisArgument[]): Promise<unknown>
  /** Runs a script, by its digest where Redis knows it. @throws RedisFault */
  run(script: RedisScript, keys: readonly string[], args: readonly RedisArgument[]): Promise<unknown>
  /** Resolves once, never rejects. */
  readonly closed: Promise<void>
  /** At once; what waits for a reply is rejected. */
  drop(): void
}

/** What Redis or the connection said. The library's own error carries the arguments of the command, passwords and values among them. */
export class RedisFault extends Error {
  override readonly name: string = 'RedisFault'
  /** The first word of an error reply, e.g. `OOM`; empty when the connection failed. */
  readonly reply: string

  constructor(message: string, reply: string) {
    super(message)
    this.reply = reply
  }
}

const faultOf = (thrown: unknown): RedisFault => {
  if (thrown instanceof RedisFault) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  const isReply = thrown instanceof Error && thrown.name === 'ReplyError'
  return new RedisFault(message === '' ? 'the connection failed' : message, isReply ? (/^[A-Z]+/.exec(message)?.[0] ?? '') : '')
}

const optionsOf = (target: RedisTarget, material: RedisMaterial, times: RedisTimes): RedisOptions => {
  const { at, sentinel } = target
  const tls = {
    ...(material.ca !== undefined && { ca: material.ca }),
    ...(material.cert !== undefined && { cert: material.cert }),
    ...(material.key !== undefined && { key: material.key.reveal() }),
    // Names are checked against the certificate; an address is no name that SNI could carry.
    ...(sentinel === undefined && isIP(at.host) === 0 && { servername: at.host }),
  }
  return {
    ...(sentinel === undefined ? at : { sentinels: [...sentinel.hosts], name: sentinel.name, failoverDetector: true }),
    ...(material.sentinelPassword !== undefined && { sentinelPassword: material.sentinelPassword.reveal() }),
    ...(target.tls && { tls, ...(sentinel !== undefined && { enableTLSForSentinelMode: true, sentinelTLS: tls }) }),
    lazyConnect: true,
    // Who reconnects is RedisLink, with credentials that are read again; this one lives until it breaks.
    retryStrategy: () => null,
    sentinelRetryStrategy: () => null,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    // AUTH and the state of the server are seen to by openRedis: ioredis writes its opinion of them to the console.
    enableReadyCheck: false,
    disableClientInfo: true,
    connectTimeout: times.connectMs,
    sentinelCommandTimeout: times.connectMs,
    disconnectTimeout: 100,
    keepAlive: 10_000,
  }
}

const connectionOf = (redis: Redis, closed: Promise<void>, times: RedisTimes): RedisConnection => {
  let why: string | undefined
  const drop = (reason = 'the connection was dropped'): void => {
    if (why !== undefined) return
    why = reason
    watch.stop()
    redis.disconnect()
    // A peer that stands still would leave the half-closed socket open.
    redis.stream?.destroy()
  }
  // ioredis' own time-outs call a connection dead whose replies are there, but were not read while this process stood still.
  const watch = new ReplyWatch(times.clock, times.commandMs, () => drop(`no reply within ${times.commandMs} ms`))
  const ask = async (send: () => Promise<unknown>): Promise<unknown> => {
    watch.asked()
    try {
      return await send()
    } catch (error) {
      const fault = faultOf(error)
      throw fault.reply === '' && why !== undefined ? new RedisFault(why, '') : fault
    } finally {
      watch.answered()
    }
  }
  const call: RedisConnection['call'] = (command, ...args) => ask(() => redis.call(command, ...args))
  void closed.then(() => watch.stop())
  return {
    closed,
    call,
    callBytes: (command, ...args) => ask(() => redis.callBuffer(command, ...args)),
    run: async ({ sha, lua }, keys, args) => {
      try {
        return await call('EVALSHA', sha, keys.length, ...keys, ...args)
      } catch (error) {
        // They are loaded with the connection; somebody has flushed them since.
        if (!(error instanceof RedisFault) || error.reply !== 'NOSCRIPT') throw error
        return call('EVAL', lua, keys.length, ...keys, ...args)
      }
    },
    drop: () => drop(),
  }
}

/**
 * Makes one connection: TCP or TLS, login, database.
 *
 * @param signal gives up and leaves nothing behind
 * @throws RedisFault
 */
export const openRedis = async (
  target: RedisTarget,
  material: RedisMaterial,
  times: RedisTimes,
  signal: AbortSignal,
): Promise<RedisConnection> => {
  const { Redis: Client } = await import('ioredis')
  const redis = new Client(optionsOf(target, material, times))
  let lastError: unknown
  redis.on('error', (error: unknown) => {
    lastError = error
  })
  const closed = new Promise<void>((resolve) => {
    redis.once('end', () => resolve())
  })
  const connection = connectionOf(redis, closed, times)
  const abandon = (): void => connection.drop()
  signal.addEventListener('abort', abandon)
  try {
    signal.throwIfAborted()
    await redis.connect()
    const { username, password } = material
    if (password !== undefined) await connection.call('AUTH', ...(username === undefined ? [] : [username]), password.reveal())
    if (target.db !== 0) await connection.call('SELECT', target.db)
    signal.throwIfAborted()
    return connection
  } catch (error) {
    connection.drop()
    // What connect() rejects with is that the connection closed; why, came as an event before.
    throw error instanceof RedisFault ? error : faultOf(lastError ?? error)
  } finally {
    signal.removeEventListener('abort', abandon)
  }
}
