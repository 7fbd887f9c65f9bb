/** Headers to functions, by the names of OpenFaaS Pro's connector; timestamp and tombstone are ours. */
export const kafkaAttributes = {
  partition: 'X-Kafka-Partition',
  offset: 'X-Kafka-Offset',
  /** Printable ASCII as it is, else base64 with `X-Kafka-Key-Enc: b64`. Absent for a null key, and above 2 KiB. */
  key: 'X-Kafka-Key',
  keyEncoding: 'X-Kafka-Key-Enc',
  /** Epoch milliseconds. */
  timestamp: 'X-Kafka-Timestamp',
  /** `true` for a null value; an empty value has no such header. */
  tombstone: 'X-Kafka-Tombstone',
} as const

/** Goes before the names of record headers. */
export const headerPrefix = 'X-Kafka-'

/** Names that no record header may take. */
export const kafkaAttributeNames: readonly string[] = Object.values(kafkaAttributes)

/** Headers of dead letters and retry copies: architecture, decisions, `names on the wire`. All values are UTF-8 text. */
export const letterHeaders = {
  eventId: 'millrace-event-id',
  /** `NAME` or `NAME.NAMESPACE`: the function that failed. */
  function: 'millrace-function',
  /** The only function that a copy is for; absent when no function was involved. */
  target: 'millrace-target',
  reason: 'millrace-reason',
  detail: 'millrace-detail',
  /** HTTP status of the last attempt. */
  status: 'millrace-status',
  /** What failed last, at most 1 KiB. */
  error: 'millrace-error',
  attempts: 'millrace-attempts',
  /** Epoch milliseconds, as all times here. */
  firstAttemptAt: 'millrace-first-attempt-at',
  lastAttemptAt: 'millrace-last-attempt-at',
  diedAt: 'millrace-died-at',
  /** How often it has been a letter, this one included. */
  hops: 'millrace-hops',
  connector: 'millrace-connector',
  /** What goes before the names of forwarded headers. */
  headerPrefix: 'millrace-header-prefix',
  originTopic: 'millrace-origin-topic',
  originPartition: 'millrace-origin-partition',
  originOffset: 'millrace-origin-offset',
  originTimestamp: 'millrace-origin-timestamp',
  originGroup: 'millrace-origin-group',
} as const

/** In lower case; what a letter of ours replaces, and what `origin-*` keeps. */
export const letterPrefix = 'millrace-'
export const originPrefix = 'millrace-origin-'
