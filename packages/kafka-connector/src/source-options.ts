import type { Logger } from '@millrace/sdk'
import type { ConnectionMaterial, ConnectionOptions, SaslMaterial } from './driver/connection.ts'
import { fetchToken } from './driver/oauth-token.ts'
import { deadLettersOf, decoderOf } from './letters-and-registry.ts'
import type { KafkaConfig } from './settings.ts'
import type { KafkaSourceOptions } from './source.ts'

const saslOf = async (config: KafkaConfig): Promise<SaslMaterial | undefined> => {
  const { saslMechanism: mechanism, username, password, oauthTokenUrl, oauthClientId, oauthClientSecret, oauthScope } = config
  if (mechanism === 'oauthbearer') {
    if (oauthTokenUrl === undefined || oauthClientId === undefined || oauthClientSecret === undefined) return undefined
    const client = {
      url: oauthTokenUrl,
      clientId: () => oauthClientId.read(),
      clientSecret: () => oauthClientSecret.read(),
      ...(oauthScope !== undefined && { scope: oauthScope }),
    }
    return { mechanism, token: () => fetchToken(client) }
  }
  if (username === undefined || password === undefined) return undefined
  const name = (await username.read()).reveal()
  // The Pro connector has user and password alone, and means PLAIN.
  return { mechanism: mechanism === 'none' ? 'plain' : mechanism, username: name, password: await password.read() }
}

const materialOf = async (config: KafkaConfig): Promise<ConnectionMaterial> => {
  const sasl = await saslOf(config)
  const ca = await config.tlsCa?.read()
  const cert = await config.tlsCert?.read()
  const key = await config.tlsKey?.read()
  return {
    ...(config.tls && {
      tls: {
        ...(ca !== undefined && { ca: ca.reveal() }),
        ...(cert !== undefined && { cert: cert.reveal() }),
        ...(key !== undefined && { key }),
      },
    }),
    ...(sasl !== undefined && { sasl }),
  }
}

/** How to reach the cluster, as these settings say. */
export const connectionOf = (config: KafkaConfig): ConnectionOptions => ({
  brokers: config.brokers.map((broker) => (/:\d+$/.test(broker) ? broker : `${broker}:9092`)),
  clientId: config.clientId,
  material: () => materialOf(config),
  connectionTimeoutMs: config.connectTimeoutMs,
  requestTimeoutMs: config.requestTimeoutMs,
})

/** The options of `kafkaSource` that these settings say. */
export const kafkaOptions = (config: KafkaConfig, logger: Logger): KafkaSourceOptions => {
  const connection = connectionOf(config)
  const deadLetters = deadLettersOf(config, connection, logger)
  const decoder = decoderOf(config)
  return {
    connection,
    ...(deadLetters !== undefined && { deadLetters }),
    ...(decoder !== undefined && { decoder }),
    maxBatchBytes: config.maxBatchBytes,
    topics: config.topics,
    exclude: config.excludeTopics,
    group: config.group,
    initialOffset: config.initialOffset,
    outOfRange: config.outOfRange,
    deadLetterTopic: config.deadLetterTopic,
    member: {
      sessionTimeoutMs: config.sessionTimeoutMs,
      rebalanceTimeoutMs: config.rebalanceTimeoutMs,
      heartbeatIntervalMs: config.heartbeatMs,
      maxWaitMs: config.maxWaitMs,
      maxBytes: config.maxBytes,
      maxBytesPerPartition: config.maxPartitionBytes,
      metadataMaxAgeMs: config.metadataMaxAgeMs,
      ...(config.rackId !== undefined && { rackId: config.rackId }),
    },
    times: { commitIntervalMs: config.commitIntervalMs, refreshMs: config.topicRefreshMs },
  }
}
