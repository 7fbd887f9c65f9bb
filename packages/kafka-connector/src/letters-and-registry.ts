import type { Logger, SourceContext } from '@millrace/sdk'
import { kafkaDeadLetters } from './dead-letters/kafka-dead-letters.ts'
import type { KafkaDeadLetters } from './dead-letters/kafka-dead-letters.ts'
import type { ConnectionOptions } from './driver/connection.ts'
import { registryClient } from './registry/registry-client.ts'
import type { RegistryMaterial } from './registry/registry-client.ts'
import { valueDecoder } from './registry/value-decoder.ts'
import type { ValueDecoder } from './registry/value-decoder.ts'
import type { DeadLetterConfig } from './settings-dead-letters.ts'
import type { RegistryConfig } from './settings-registry.ts'
import { groupOf } from './topics/resolve-topics.ts'

/** The dead-letter sink that these settings say; `undefined`: none. */
export const deadLettersOf = (
  config: DeadLetterConfig & { readonly group: string },
  connection: ConnectionOptions,
  logger: Logger,
): KafkaDeadLetters | undefined =>
  config.deadLetters === 'none'
    ? undefined
    : kafkaDeadLetters({
        connection,
        logger,
        topic: config.deadLetterTopic,
        group: (topic) => groupOf(config.group, topic),
        create: config.deadLetterCreate,
        replicationFactor: config.deadLetterReplication,
        retentionMs: config.deadLetterRetentionMs ?? -1,
        headers: config.deadLetterHeaders,
      })

const materialOf = async (config: RegistryConfig): Promise<RegistryMaterial> => {
  const username = await config.registryUsername?.read()
  const password = await config.registryPassword?.read()
  const cert = await config.registryCert?.read()
  const key = await config.registryKey?.read()
  return {
    ...(username !== undefined && { username: username.reveal() }),
    ...(password !== undefined && { password }),
    ...(config.registryCa !== undefined && { ca: config.registryCa }),
    ...(cert !== undefined && { cert: cert.reveal() }),
    ...(key !== undefined && { key }),
  }
}

/** Makes the decoder that these settings say; `undefined`: values are handed on as they are. */
export const decoderOf = (config: RegistryConfig): ((context: SourceContext) => ValueDecoder) | undefined => {
  const { registryUrl: url } = config
  if (url === undefined) return undefined
  return ({ clock, logger, signal }) => {
    const client = registryClient({ url, material: () => materialOf(config), timeoutMs: config.registryTimeoutMs })
    return valueDecoder({ client, clock, logger, signal })
  }
}
