import type { RedisAddresses, RedisOptions, RedisServer } from './redis/server.ts'
import { startRedis } from './redis/server.ts'
import { findShared } from './supervisor.ts'

export type { RedisReply } from './redis/command.ts'
export type { RedisAddresses, RedisOptions, RedisServer } from './redis/server.ts'
export { uniqueName } from './unique-name.ts'

let ours: Promise<RedisAddresses> | undefined

/**
 * Real Redis servers. Both throw a `TestBedError` that says what to install when they cannot be had.
 *
 *     const { url } = await redis.shared()       // for most tests, with keys of their own
 *     await using server = await redis.single()  // for tests that break it
 */
export const redis = {
  /** One that keeps its data in memory, started once a run: nobody may stop it, hold it up, empty it, or change its settings. */
  shared: (): Promise<RedisAddresses> => (ours ??= findShared('redis', () => startRedis())),
  /** One of your own; ready in less than a second. */
  single: (options: RedisOptions = {}): Promise<RedisServer> => startRedis(options),
} as const
