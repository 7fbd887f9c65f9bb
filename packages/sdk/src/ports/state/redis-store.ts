import { randomUUID } from 'node:crypto'
import type { Clock } from '../../contract/clock.ts'
import type { Logger } from '../../contract/logger.ts'
import type { Lease, Put, StateStore, Versioned } from '../../contract/state-store.ts'
import { MillraceError } from '../../core/errors.ts'
import { boundedTtl, checkLimits } from './limits.ts'
import { openRedis, type RedisArgument } from './redis-client.ts'
import { RedisLeases } from './redis-leases.ts'
import { RedisLink } from './redis-link.ts'
import { deleteScript, leaseScript, putScript, releaseScript, renewScript } from './redis-scripts.ts'
import { redisTarget, type RedisMaterial } from './redis-target.ts'

export interface RedisStateOptions {
  /** `redis://HOST:PORT/DATABASE`, or `rediss://` for TLS; without credentials. */
  readonly url: string
  /** `HOST:PORT` each; the host of `url` is then the name under which they know the master. */
  readonly sentinels?: readonly string[] | undefined
  /** Goes before every key: those who share a Redis and this share their state. Letters, digits and `._-`. @default 'millrace' */
  readonly prefix?: string | undefined
  /** Credentials and certificates, asked for anew for each connection. @default none */
  readonly material?: (() => Promise<RedisMaterial>) | undefined
  readonly clock: Clock
  readonly logger?: Logger | undefined
  /** Calls wait so long while Redis says nothing at all; then they fail, and the connection with them. @default 500 */
  readonly commandTimeoutMs?: number | undefined
  /** @default 5000 */
  readonly connectTimeoutMs?: number | undefined
  /** Longest wait between two attempts to connect. @default 5000 */
  readonly maxWaitMs?: number | undefined
}

/** Puts and bytes that one script is given: it holds up every other client while it runs. */
const CALL = { puts: 256, bytes: 4 << 20 }

interface Asked {
  readonly keys: readonly string[]
  readonly args: readonly RedisArgument[]
  readonly size: number
}

function* callsOf(asked: readonly Asked[]): Generator<readonly Asked[]> {
  let from = 0
  let size = 0
  for (const [index, one] of asked.entries()) {
    if (index > from && (index - from >= CALL.puts || size + one.size > CALL.bytes)) {
      yield asked.slice(from, index)
      from = index
      size = 0
    }
    size += one.size
  }
  if (from < asked.length) yield asked.slice(from)
}

/** For SCAN: `prefix` by itself. */
const literal = (text: string): string => text.replaceAll(/[\\*?[\]]/g, String.raw`\$&`)

/** State in Redis, shared by replicas. */
class RedisStateStore implements StateStore {
  readonly #link: RedisLink
  readonly #leases: RedisLeases
  readonly #clock: Clock
  readonly #names: { readonly value: string; readonly lease: string; readonly fence: string }
  #closed: Promise<void> | undefined

  constructor(link: RedisLink, clock: Clock, prefix: string) {
    this.#link = link
    this.#clock = clock
    // In braces: all keys of a prefix have one hash slot, so a script may name several, also behind a proxy that shards.
    this.#names = { value: `{${prefix}}:value:`, lease: `{${prefix}}:lease:`, fence: `{${prefix}}:fence:` }
    this.#leases = new RedisLeases(clock, {
      renew: async (key, token, ttlMs) =>
        (await this.#run('renew a lease in', renewScript, [this.#names.lease + key], [token, ttlMs])) === 1,
      release: async (key, token) => void (await this.#run('release a lease in', releaseScript, [this.#names.lease + key], [token])),
    })
  }

  async get(key: string): Promise<Versioned | undefined> {
    this.#check(key)
    const found = await this.#link.run('read', (redis) => redis.callBytes('HMGET', this.#names.value + key, 'v', 'd'))
    const [version, value] = found as readonly (Buffer | null)[]
    if (version === undefined || version === null) return undefined
    // A copy: the client's buffer may be part of a larger one.
    return { value: Uint8Array.from(value ?? []), version: Number(version.toString()) }
  }

  async put(key: string, value: Uint8Array, expected: number | 'absent', lease?: Lease, ttlMs?: number): Promise<number | undefined> {
    const [version] = await this.putMany([
      { key, value, expected, ...(lease !== undefined && { lease }), ...(ttlMs !== undefined && { ttlMs }) },
    ])
    return version
  }

  async putMany(puts: readonly Put[]): Promise<readonly (number | undefined)[]> {
    for (const { key, value } of puts) this.#check(key, value)
    const asked = puts.map((put) => this.#ask(put))
    const versions: (number | undefined)[] = []
    for (const call of callsOf(asked)) {
      const keys = call.flatMap((one) => one.keys)
      const args = call.flatMap((one) => one.args)
      for (const version of (await this.#run('write', putScript, keys, args)) as readonly number[])
        versions.push(version === 0 ? undefined : version)
    }
    return versions
  }

  async delete(key: string, expected: number): Promise<boolean> {
    this.#check(key)
    return (await this.#run('delete from', deleteScript, [this.#names.value + key], [String(expected)])) === 1
  }

  async keys(prefix: string): Promise<readonly string[]> {
    this.#check(prefix)
    const names = this.#names.value
    const found = new Set<string>()
    let cursor = '0'
    do {
      const from = cursor
      const reply = await this.#link.run('list', (redis) => redis.call('SCAN', from, 'MATCH', `${literal(names + prefix)}*`, 'COUNT', 1000))
      const [next, keys] = reply as readonly [string, readonly string[]]
      for (const key of keys) found.add(key.slice(names.length))
      cursor = next
    } while (cursor !== '0')
    return [...found]
  }

  async lease(key: string, ttlMs: number): Promise<Lease | undefined> {
    this.#check(key)
    const ttl = boundedTtl(ttlMs)
    const token = randomUUID()
    const askedAt = this.#clock.monotonic()
    const names = [this.#names.lease + key, this.#names.fence + key]
    const fence = (await this.#run('lease', leaseScript, names, [token, ttl])) as number
    if (fence === 0) return undefined
    if (this.#closed !== undefined) throw new MillraceError('E_STATE_CLOSED')
    return this.#leases.grant({ key, token, fence, ttlMs: ttl, askedAt })
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    await this.#leases.close()
    this.#link.close()
  }

  #ask({ key, value, expected, lease, ttlMs }: Put): Asked {
    // What the caller does to its bytes later changes nothing.
    const bytes = Buffer.from(value as Uint8Array)
    const token = lease === undefined ? '' : (this.#leases.tokenOf(lease) ?? 'over')
    return {
      keys: [this.#names.value + key, this.#names.lease + (lease?.key ?? key)],
      args: [String(expected), bytes, ttlMs === undefined ? 0 : boundedTtl(ttlMs), token],
      size: bytes.length,
    }
  }

  #run(operation: string, ...call: Parameters<Parameters<Parameters<RedisLink['run']>[1]>[0]['run']>): Promise<unknown> {
    return this.#link.run(operation, (redis) => redis.run(...call))
  }

  #check(key: string, value?: Uint8Array | string): void {
    if (this.#closed !== undefined) throw new MillraceError('E_STATE_CLOSED')
    checkLimits(key, value)
  }
}

/**
 * Opens state in Redis (5 or newer, or Valkey): one server, or a master that Sentinel watches; not a Cluster. Replicas that share it share
 * cursors, marks and leases.
 *
 * Resolves after the first attempt to connect. Without a connection every call rejects at once with `E_STATE_IO`, and a lost server
 * rejects within `commandTimeoutMs`; it is connected to again with back-off and for ever. What was put is as durable as Redis is set to
 * make it: `appendonly yes` with `appendfsync always` survives a crash, the default of one second may lose that second, and a failover
 * loses what was not yet replicated. Leases are safe over all of these: their fences grow even when Redis has forgotten them.
 *
 * @throws MillraceError `E_STATE_IO` when the URL cannot be used
 */
export const redisState = async (options: RedisStateOptions): Promise<StateStore> => {
  const { clock, logger, material = () => Promise.resolve({}) } = options
  const target = redisTarget(options.url, options.sentinels)
  const times = { connectMs: options.connectTimeoutMs ?? 5000, commandMs: options.commandTimeoutMs ?? 500, clock }
  const link = new RedisLink({
    open: async (signal) => openRedis(target, await material(), times, signal),
    clock,
    logger,
    random: Math.random,
    address: target.address,
    connectMs: times.connectMs,
    maxWaitMs: options.maxWaitMs ?? 5000,
  })
  await link.start()
  return new RedisStateStore(link, clock, options.prefix ?? 'millrace')
}
