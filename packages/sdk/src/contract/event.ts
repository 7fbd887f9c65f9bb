/** A header as it came: names may repeat, and a value may be bytes that are not text. */
export type HeaderField = readonly [name: string, value: string | Uint8Array]

/** How a source names the headers that its events are forwarded with. */
export interface HeaderNaming {
  /** Goes before the name of each forwarded header; at most 64 characters. */
  readonly prefix: string
  /** Names that only attributes may have; at most 64. */
  readonly reserved: readonly string[]
}

/**
 * One event, immutable from the moment a source hands it over.
 *
 * Everything in it is hostile until encoded: names and values may hold any byte that a producer could write.
 *
 * It may work its fields out when it is asked, since thousands of them wait: copy it field by field, never by spreading.
 */
export interface MillraceEvent {
  /** Stable over retries, redelivery and replays, e.g. `kafka:{cluster}/{topic}/{partition}/{offset}`. Sent as `X-Event-Id` and `Idempotency-Key`. */
  readonly id: string
  /**
   * True for an id that other events may have too: nothing but their content made it, and contents repeat. It is sent as `X-Event-Id`
   * alone, without `Idempotency-Key`: whoever trusted that would take two events for one.
   * @default false
   */
  readonly ambiguousId?: boolean
  /** Where it came from, a CloudEvents `source` (URI reference), e.g. `/cron` or `kafka:prod/orders`. */
  readonly source: string
  /** CloudEvents `type`, e.g. `com.openfaas.cron.tick`. */
  readonly type: string
  /** What functions name in their `topic` annotation. Sent as `X-Topic`. */
  readonly topic: string
  /** When it happened, epoch milliseconds; absent when the source does not say. */
  readonly time?: number | undefined
  /** The body of the request, byte for byte. Never copied and never changed after the hand-over. */
  readonly data: Uint8Array
  /** The event's own content type. Absent: the configured `content_type`, else `text/plain`. */
  readonly contentType?: string | undefined
  /** The producer's headers in their order. The header codec decides what of them reaches a function. */
  readonly headers: readonly HeaderField[]
  /** Headers that the source itself adds, by their full names on the wire, e.g. `['X-Kafka-Partition', '3']`. They win over `headers`. */
  readonly attributes?: readonly HeaderField[] | undefined
  /** Only for an event that another source took in, such as a dead letter that is delivered again. Absent: as its source says. */
  readonly naming?: HeaderNaming
  /** Events with equal keys keep their order under `order: key`; absent: no order by key. Compared exactly, never hashed. */
  readonly orderingKey?: string | undefined
  /** Events with equal partitions keep their order under `order: partition`; absent: the delivery's intake. */
  readonly partition?: string | undefined
}
