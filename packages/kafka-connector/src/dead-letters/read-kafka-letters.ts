import { silentLogger } from '@millrace/sdk'
import type { DeadLetter, Logger } from '@millrace/sdk'
import type { ConnectionOptions } from '../driver/connection.ts'
import type { DriverRecord } from '../driver/driver.ts'
import { KafkajsAdmin } from '../driver/kafkajs-admin.ts'
import { readTopic } from '../driver/kafkajs-reader.ts'
import { registerCodecs } from '../driver/register-codecs.ts'
import { parseLetter } from './parse-letter.ts'

/** What `readKafkaLetters` takes. */
export interface ReadKafkaLettersOptions {
  readonly connection: Pick<ConnectionOptions, 'brokers'> & Partial<ConnectionOptions>
  /** The dead-letter topic. */
  readonly topic: string
  /** Consumer group to read by; nothing is committed. @default a random one */
  readonly group?: string
  /** Letters of this function alone. */
  readonly function?: string
  /** Called for each record that is no letter of Millrace; it is left out. */
  readonly onForeign?: (record: Pick<DriverRecord, 'topic' | 'partition' | 'offset'>) => void
  readonly logger?: Logger
  readonly signal?: AbortSignal
}

/**
 * The dead letters in a Kafka topic, from the first to what was the last when the reading began; for `millrace replay`. Letters stay in
 * the topic, so a replay that is run twice replays twice: functions see the same event id.
 *
 * @throws MillraceError `E_KAFKA_*`
 */
export async function* readKafkaLetters(options: ReadKafkaLettersOptions): AsyncGenerator<DeadLetter, void> {
  const { topic, signal, group, logger = silentLogger } = options
  const connection: ConnectionOptions = { clientId: 'millrace-replay', material: () => Promise.resolve({}), ...options.connection }
  registerCodecs()
  const admin = new KafkajsAdmin(connection, logger)
  let cluster: string
  try {
    cluster = await admin.clusterId()
  } finally {
    await admin.close()
  }
  const records = readTopic({ connection, topic, logger, ...(signal !== undefined && { signal }), ...(group !== undefined && { group }) })
  for await (const record of records) {
    const letter = parseLetter(record, cluster)
    if (letter === undefined) options.onForeign?.({ topic, partition: record.partition, offset: record.offset })
    else if (options.function === undefined || letter.function === options.function) yield letter
  }
}
