/** Headers to functions: the names of OpenFaaS Pro's connector (`-Msg-Id`, `-Routing-Key`), and the same for every other property. */
export const rabbitmqAttributes = {
  queue: 'X-Rabbitmq-Queue',
  exchange: 'X-Rabbitmq-Exchange',
  routingKey: 'X-Rabbitmq-Routing-Key',
  messageId: 'X-Rabbitmq-Msg-Id',
  /** `true` or `false`: a hint of the broker, not more. */
  redelivered: 'X-Rabbitmq-Redelivered',
  /** How often the broker has given it before; quorum queues only. */
  deliveryCount: 'X-Rabbitmq-Delivery-Count',
  correlationId: 'X-Rabbitmq-Correlation-Id',
  replyTo: 'X-Rabbitmq-Reply-To',
  type: 'X-Rabbitmq-Type',
  appId: 'X-Rabbitmq-App-Id',
  /** As the broker has checked it. After a delayed retry nobody vouches for it any more, and it is `originUserId`. */
  userId: 'X-Rabbitmq-User-Id',
  originUserId: 'X-Rabbitmq-Origin-User-Id',
  priority: 'X-Rabbitmq-Priority',
  /** ISO 8601. */
  timestamp: 'X-Rabbitmq-Timestamp',
  expiration: 'X-Rabbitmq-Expiration',
  deliveryMode: 'X-Rabbitmq-Delivery-Mode',
  /** A coding that HTTP knows goes out as `Content-Encoding`; any other one, such as Celery's `utf-8`, here. */
  contentEncoding: 'X-Rabbitmq-Content-Encoding',
  httpContentEncoding: 'Content-Encoding',
  /** Where it was dead-lettered by the broker, the newest first: `<queue>;reason=<reason>;count=<n>, ...`. */
  death: 'X-Rabbitmq-Death',
  streamOffset: 'X-Rabbitmq-Stream-Offset',
} as const

/** Names that no header of a message may take. */
export const rabbitmqAttributeNames: readonly string[] = Object.values(rabbitmqAttributes)

/** What goes before the name of each of a message's own headers. */
export const rabbitmqHeaderPrefix = 'X-Rabbitmq-Header-'

/** Headers of retry copies and dead letters: architecture, decisions, `names on the wire`. All values are UTF-8 text. */
export const copyHeaders = {
  eventId: 'millrace-event-id',
  /** `NAME` or `NAME.NAMESPACE`: the only function that a copy is for. Absent when no function was involved. */
  target: 'millrace-target',
  /** Retry copies only: attempts already made. */
  attempt: 'millrace-attempt',
  /** Epoch milliseconds, as all times here. */
  firstAttemptAt: 'millrace-first-attempt-at',
  /** Retry copies only, how they have waited: the clock, waits of it in a row, and the first 404 of them, e.g. `not-found 3 1764000000000`. */
  waited: 'millrace-waited',
  lastAttemptAt: 'millrace-last-attempt-at',
  diedAt: 'millrace-died-at',
  /** Letters of events whose id others may have too: tells them apart. */
  letterId: 'millrace-letter-id',
  /** How often it has been a letter, this one included. */
  hops: 'millrace-hops',
  function: 'millrace-function',
  reason: 'millrace-reason',
  detail: 'millrace-detail',
  /** HTTP status of the last attempt. */
  status: 'millrace-status',
  /** What failed last, at most 1 KiB. */
  error: 'millrace-error',
  /** Letters: how many there were in all. */
  attempts: 'millrace-attempts',
  connector: 'millrace-connector',
  /** Replies: the body was longer than the connector keeps. */
  truncated: 'millrace-truncated',
  /** The original headers did not fit beside these: how many there were. */
  headersOmitted: 'millrace-headers-omitted',
  originQueue: 'millrace-origin-queue',
  /** Letters: what functions named, the queue or the routing key. */
  originTopic: 'millrace-origin-topic',
  /** Empty for the default exchange. */
  originExchange: 'millrace-origin-exchange',
  originRoutingKey: 'millrace-origin-routing-key',
  /** Properties that must not stand in a copy: the broker refuses a user id that is not the connector's own, ... */
  originUserId: 'millrace-origin-user-id',
  /** ... and a copy must not expire. */
  originExpiration: 'millrace-origin-expiration',
  originDeliveryMode: 'millrace-origin-delivery-mode',
  /** The headers `CC` and `BCC`, by which the broker would give the copy to others too. JSON. */
  originCc: 'millrace-origin-cc',
  originBcc: 'millrace-origin-bcc',
  /** A summary of `x-death`. */
  originDeath: 'millrace-origin-death',
} as const

export const copyPrefix = 'millrace-'

/** What the broker itself writes: nothing of a producer's, not forwarded, and stripped from what is published again. */
export const isBrokerHeader = (name: string): boolean =>
  name === 'x-death' ||
  name === 'x-delivery-count' ||
  name === 'x-acquired-count' ||
  name === 'x-stream-offset' ||
  name.startsWith('x-first-death-') ||
  name.startsWith('x-last-death-')

/** True for a header by which the broker gives a message to further queues (sender-selected distribution). */
export const isRoutingHeader = (name: string): boolean => name === 'CC' || name === 'BCC'
