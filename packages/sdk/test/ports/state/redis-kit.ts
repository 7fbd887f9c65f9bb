import { silentLogger } from '../../../src/ports/logging/pino-logger.ts'
import type { StateStore } from '../../../src/contract/state-store.ts'
import type { Clock } from '../../../src/contract/clock.ts'
import { openRedis, type RedisConnection } from '../../../src/ports/state/redis-client.ts'
import { redisState, type RedisStateOptions } from '../../../src/ports/state/redis-store.ts'
import { redisTarget } from '../../../src/ports/state/redis-target.ts'
import { systemClock } from '../../../src/ports/system-clock.ts'

/** A store with short waits. */
export const openStore = (
  url: string,
  prefix: string,
  options: Partial<RedisStateOptions> = {},
  clock: Clock = systemClock,
): Promise<StateStore> => redisState({ url, prefix, clock, logger: silentLogger, maxWaitMs: 200, ...options })

/** A connection beside the store, to look and to meddle. */
export const openSideDoor = (url: string): Promise<RedisConnection> =>
  openRedis(redisTarget(url), {}, { connectMs: 10_000, commandMs: 10_000, clock: systemClock }, new AbortController().signal)

/** Redis has a clock of its own: what is to expire is told that so much time has passed. */
export const letTimePass = async (redis: RedisConnection, prefix: string, ms: number): Promise<void> => {
  const keys = (await redis.call('KEYS', `{${prefix}}:*`)) as readonly string[]
  for (const key of keys) {
    const left = (await redis.call('PTTL', key)) as number
    if (left >= 0) await redis.call('PEXPIRE', key, Math.max(0, left - ms))
  }
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

export const until = async (done: () => boolean | Promise<boolean>, what: string, ms: number = 10_000): Promise<void> => {
  const end = performance.now() + ms
  while (!(await done())) {
    if (performance.now() > end) throw new Error(`after ${ms} ms not: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
