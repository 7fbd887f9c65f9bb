import { resolve } from 'node:path'
import { connectionOf, kafkaSettings, readKafkaLetters } from '@millrace/kafka-connector'
import { coreSettings, loadConfig, nodeFileReader } from '@millrace/sdk'
import { wrongUsage } from '../failure.ts'
import type { CliIo } from '../io.ts'
import { settingArguments } from '../settings.ts'
import type { SettingFlags } from '../settings.ts'
import type { LetterPlace } from './letter-place.ts'

const scheme = 'kafka://'
/** Several brokers by commas; the topic by Kafka's own rule for names. */
const address =
  /^kafka:\/\/((?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):\d{1,5}(?:,(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):\d{1,5}){0,31})\/([A-Za-z0-9._-]{1,249})$/

/** True for an argument that names a Kafka topic and no file. */
export const isKafkaAddress = (given: string): boolean => given.startsWith(scheme)

/**
 * The letters in a dead-letter topic. TLS and credentials come from the settings of the Kafka connector (`kafka_tls`, `kafka_username`, ...).
 *
 * @throws ConfigError; MillraceError for an address that is none
 */
export const openKafkaLetters = async (given: string, flags: SettingFlags, io: CliIo): Promise<LetterPlace> => {
  const [, brokers, topic] = address.exec(given) ?? []
  if (brokers === undefined || topic === undefined) throw wrongUsage('replay', 'a Kafka topic is named as kafka://HOST:PORT/TOPIC')
  const argv = [...settingArguments(flags), `--broker-hosts=${brokers}`]
  const { values } = await loadConfig({ core: coreSettings, kafka: kafkaSettings }, { argv, env: io.env, files: nodeFileReader })
  const connection = connectionOf(values.kafka)
  return {
    logPath: resolve(io.cwd, '.millrace', 'replayed', topic),
    read: (onUnreadable) => readKafkaLetters({ connection, topic, onForeign: onUnreadable }),
  }
}
