import { brokerLogin, connectionOf, vhostOf } from './connection-of.ts'
import { dedupe } from '../dedupe/dedupe.ts'
import { managementApi } from '../metrics/management-api.ts'
import { ownerOf } from './owner-of.ts'
import type { Watched } from './owner-of.ts'
import { depthsByApi } from '../metrics/queue-depths.ts'
import type { DepthReader } from '../metrics/queue-depths.ts'
import type { RabbitmqConfig } from './settings.ts'
import type { RabbitmqSourceOptions } from '../source.ts'
import { topologyOf } from './topology-of.ts'

const apiTimeoutMs = 10_000

const apiReader = (config: RabbitmqConfig, url: string): DepthReader =>
  depthsByApi(
    managementApi({
      url,
      vhost: vhostOf(config),
      timeoutMs: apiTimeoutMs,
      credentials: async () => {
        const { managementUsername: username, managementPassword: password } = config
        if (username === undefined || password === undefined) return brokerLogin(config)
        return { username: (await username.read()).reveal(), password: await password.read() }
      },
    }),
  )

/** The options of `rabbitmqSource` that these settings say, and those of the core. @param watched absent: all namespaces */
export const rabbitmqOptions = (config: RabbitmqConfig, watched?: Watched): RabbitmqSourceOptions => ({
  connection: connectionOf(config),
  topology: topologyOf(config),
  owner: ownerOf(config, watched),
  retireAfterMs: config.retireAfterMs,
  mapping: { orderKey: config.orderKey, cloudEvents: config.cloudEvents },
  deadLetters: config.deadLetters === 'queue',
  publisher: { confirmTimeoutMs: config.confirmTimeoutMs },
  ...(config.dedupe && {
    dedupe: ({ state, clock, logger, metrics }) => dedupe({ state, clock, logger, metrics, ttlMs: config.dedupeTtlMs }),
  }),
  depths: {
    intervalMs: config.depthIntervalMs,
    ...(config.managementUrl !== undefined && { read: apiReader(config, config.managementUrl) }),
  },
})
