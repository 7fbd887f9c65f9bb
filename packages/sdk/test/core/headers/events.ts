import type { HeaderField, MillraceEvent } from '../../../src/contract/event.ts'
import { createHeaderCodec } from '../../../src/core/headers/codec.ts'
import type { HeaderCodec, HeaderCodecOptions } from '../../../src/core/headers/codec.ts'

/** An event of a Kafka-like source. */
export const eventWith = (given: Partial<MillraceEvent> = {}): MillraceEvent => ({
  id: 'kafka:prod/orders/3/42',
  source: 'kafka:prod/orders',
  type: 'com.example.order',
  topic: 'orders',
  data: new Uint8Array([1]),
  headers: [],
  ...given,
})

export const kafkaCodec = (options: Partial<HeaderCodecOptions> = {}): HeaderCodec =>
  createHeaderCodec({ connector: 'millrace/kafka-connector', userAgent: 'millrace/0.1.0', sourceName: 'kafka', ...options })

/** The flat list as pairs. */
export const pairs = (flat: readonly string[]): [string, string][] =>
  Array.from({ length: flat.length / 2 }, (_, index) => [flat[2 * index] ?? '', flat[2 * index + 1] ?? ''])

/** All values of a name, whatever its case. */
export const valuesOf = (flat: readonly string[], name: string): string[] =>
  pairs(flat)
    .filter(([key]) => key.toLowerCase() === name.toLowerCase())
    .map(([, value]) => value)

/** What one event's own headers become. */
export const forwarded = (
  headers: readonly HeaderField[],
  options: Partial<HeaderCodecOptions> = {},
  attributes: readonly HeaderField[] = [],
) => {
  const ours = new Set(['Content-Type', 'User-Agent', 'X-Topic', 'X-Connector', 'X-Event-Id', 'X-Delivery-Attempt', 'Idempotency-Key'])
  let dropped = 0
  const codec = kafkaCodec({ ...options, onDropped: (_, count) => (dropped += count) })
  const flat = codec.encode(eventWith({ headers, attributes }), 1)
  return { flat, rest: pairs(flat).filter(([name]) => !ours.has(name)), dropped: () => dropped }
}
