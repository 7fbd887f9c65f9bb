import type { IncomingHttpHeaders } from 'node:http'
import { type CloudEvent, cloudEventHeaders, type HeaderField, type MillraceEvent, readStructuredCloudEvent } from '@millrace/sdk'
import { readBinary } from './cloudevents/binary.ts'
import type { Mode } from './cloudevents/mode.ts'
import { orProblem } from './cloudevents/or-problem.ts'
import { cloudEventId, readIdempotencyKey } from './request/event-id.ts'
import { forwardedHeaders } from './request/forwarded-headers.ts'

/** A request as far as its event is concerned. */
export interface EventRequest {
  readonly topic: string
  readonly mode: Mode
  readonly headers: IncomingHttpHeaders
  /** Node's `rawHeaders`. */
  readonly raw: readonly string[]
  readonly body: Uint8Array
  /** For a client that names none. */
  newId(): string
}

/** The CloudEvents type of a request that is no CloudEvent. */
export const plainType = 'com.openfaas.http.request'

const ofCloudEvent = (topic: string, event: CloudEvent, others: readonly HeaderField[]): MillraceEvent => ({
  id: cloudEventId(event.source, event.id),
  source: event.source,
  type: event.type,
  topic,
  partition: topic,
  data: event.data,
  headers: [...cloudEventHeaders(event), ...others],
  ...(event.time !== undefined && { time: event.time }),
  ...(event.contentType !== undefined && { contentType: event.contentType }),
  ...(event.partitionKey !== undefined && { orderingKey: event.partitionKey }),
})

/**
 * The event of a request. A structured CloudEvent becomes a binary one: the data is the body, the attributes are `ce-*` headers, so that
 * functions see one form.
 *
 * @throws Problem `bad-cloudevent`, `bad-idempotency-key`
 */
export const readEvent = (request: EventRequest): MillraceEvent => {
  const { topic, mode, headers, raw, body } = request
  const others = forwardedHeaders(raw)
  const contentType = headers['content-type']
  if (mode === 'structured')
    return ofCloudEvent(
      topic,
      orProblem(() => readStructuredCloudEvent(body)),
      others,
    )
  if (mode === 'binary')
    return ofCloudEvent(
      topic,
      orProblem(() => readBinary(raw, contentType, body)),
      others,
    )
  const key = headers['idempotency-key']
  return {
    id: key === undefined ? request.newId() : readIdempotencyKey(String(key)),
    source: `/topics/${encodeURIComponent(topic)}`,
    type: plainType,
    topic,
    partition: topic,
    data: body,
    headers: others,
    ...(contentType !== undefined && { contentType }),
  }
}
