import type { LetterConfig } from './letter-settings.ts'
import type { TopologyConfig } from './topology-settings.ts'
import type { TopologyOptions } from '../topology/options.ts'

const exchangeOf = ({ exchange, exchangeType, exchangeQueue }: TopologyConfig): Pick<TopologyOptions, 'exchange'> =>
  exchange === undefined
    ? {}
    : {
        exchange: {
          name: exchange,
          ...(exchangeType !== undefined && { type: exchangeType }),
          ...(exchangeQueue !== undefined && { queue: exchangeQueue }),
        },
      }

/** What is consumed and declared, as these settings say. The version is the broker's to say. */
export const topologyOf = (config: TopologyConfig & LetterConfig): Omit<TopologyOptions, 'serverVersion'> => ({
  // A Templum connector leaves functions alone whose topics are not in its file.
  mode: config.mode ?? (config.templum === undefined ? 'queue' : 'none'),
  queues: config.queues,
  topics: config.topicQueues,
  ...exchangeOf(config),
  templum: config.templum?.exchanges ?? [],
  declare: config.declare,
  declareTopics: config.declareTopics,
  queueType: config.queueType,
  deliveryLimit: config.deliveryLimit,
  tiersMs: config.retryDelaysMs,
  deadLetterQueue: config.deadLetters === 'queue' ? config.deadLetterQueue : undefined,
  concurrency: config.concurrency,
  ...(config.prefetch !== undefined && { prefetch: config.prefetch }),
  singleActiveConsumer: config.singleActiveConsumer,
  ...(config.consumerPriority !== undefined && { consumerPriority: config.consumerPriority }),
  ...(config.expiresMs !== undefined && { expiresMs: config.expiresMs }),
  ...(config.consumerTimeoutMs !== undefined && { consumerTimeoutMs: config.consumerTimeoutMs }),
  defaultNamespace: config.defaultNamespace,
  nativeRetry: config.nativeRetry,
  maxQueues: config.maxQueues,
})
