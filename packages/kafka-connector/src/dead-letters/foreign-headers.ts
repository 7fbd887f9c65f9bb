import type { DeadLetterReason, HeaderField } from '@millrace/sdk'
import { headerCount, headerText } from '../mapping/fields.ts'
import { letterHeaders } from '../mapping/names.ts'

/** Whose names are added, so that existing replay tools work. */
export type ForeignNames = 'connect' | 'spring'

const prefixes: Readonly<Record<ForeignNames, string>> = { connect: '__connect.errors.', spring: 'kafka_dlt-' }

/** True for a header that an earlier letter may have brought. */
export const isForeignHeader = (name: string, names: ForeignNames): boolean => name.startsWith(prefixes[names])

/** What is said in the words of others. */
export interface ForeignLetter {
  /** The `millrace-origin-*` headers. */
  readonly begin: readonly HeaderField[]
  readonly error: string | undefined
  readonly reason: DeadLetterReason
  readonly connector: string
}

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

const int64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt(value))
  return bytes
}

const given = <T>(name: string, value: T | undefined, write: (value: T) => string | Uint8Array): HeaderField[] =>
  value === undefined ? [] : [[name, write(value)]]

/** org.apache.kafka.connect.runtime.errors.DeadLetterQueueReporter: all values are text. */
const connectHeaders = ({ begin, error, reason, connector }: ForeignLetter): readonly HeaderField[] => [
  ...given('__connect.errors.topic', headerText(begin, letterHeaders.originTopic), String),
  ...given('__connect.errors.partition', headerCount(begin, letterHeaders.originPartition), String),
  ...given('__connect.errors.offset', headerCount(begin, letterHeaders.originOffset), String),
  ['__connect.errors.connector.name', connector],
  ['__connect.errors.exception.class.name', reason],
  ...given('__connect.errors.exception.message', error, String),
]

/** org.springframework.kafka.listener.DeadLetterPublishingRecoverer: numbers are big-endian int and long. */
const springHeaders = ({ begin, error, reason }: ForeignLetter): readonly HeaderField[] => {
  const partition = headerCount(begin, letterHeaders.originPartition)
  return [
    ...given('kafka_dlt-original-topic', headerText(begin, letterHeaders.originTopic), String),
    ...given('kafka_dlt-original-partition', partition === undefined || partition > 0x7fffffff ? undefined : partition, int32),
    ...given('kafka_dlt-original-offset', headerCount(begin, letterHeaders.originOffset), int64),
    ...given('kafka_dlt-original-timestamp', headerCount(begin, letterHeaders.originTimestamp), int64),
    ...given('kafka_dlt-original-consumer-group', headerText(begin, letterHeaders.originGroup), String),
    ['kafka_dlt-exception-fqcn', reason],
    ...given('kafka_dlt-exception-message', error, String),
  ]
}

/** The letter in the words of Kafka Connect or Spring. */
export const foreignHeaders = (names: ForeignNames, letter: ForeignLetter): readonly HeaderField[] =>
  names === 'connect' ? connectHeaders(letter) : springHeaders(letter)
