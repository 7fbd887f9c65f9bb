import type { RedisMaterial } from '../ports/state/redis-target.ts'
import type { RedisStateOptions } from '../ports/state/redis-store.ts'
import type { StateConfig } from './config/core-config.ts'

const materialOf = async (config: StateConfig): Promise<RedisMaterial> => {
  const username = await config.stateUsername?.read()
  const password = await config.statePassword?.read()
  const sentinelPassword = await config.stateSentinelPassword?.read()
  const ca = await config.stateTlsCa?.read()
  const cert = await config.stateTlsCert?.read()
  const key = await config.stateTlsKey?.read()
  return {
    ...(username !== undefined && { username: username.reveal() }),
    ...(password !== undefined && { password }),
    ...(sentinelPassword !== undefined && { sentinelPassword }),
    ...(ca !== undefined && { ca: ca.reveal() }),
    ...(cert !== undefined && { cert: cert.reveal() }),
    ...(key !== undefined && { key }),
  }
}

/** Where the settings say that state is kept in Redis; `undefined`: not there. */
export const redisStateOptions = (config: StateConfig): Omit<RedisStateOptions, 'clock' | 'logger'> | undefined =>
  config.stateUrl === undefined
    ? undefined
    : { url: config.stateUrl, sentinels: config.stateSentinels, prefix: config.statePrefix, material: () => materialOf(config) }
