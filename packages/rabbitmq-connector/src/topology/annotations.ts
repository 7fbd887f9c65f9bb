import type { FunctionDeclaration } from '@millrace/sdk'
import { annotationProblem } from '@millrace/sdk'
import type { AnnotationProblem } from '@millrace/sdk'
import type { FieldTable } from '../transport/message.ts'
import type { ExchangeType } from '../transport/transport.ts'
import type { StreamStart } from './stream-start.ts'
import { exchangeTypes, readFlag, readItems, readMatchHeaders, readName, readStreamStart, readWhole, readWord } from './read-values.ts'
import type { Read } from './read-values.ts'

const prefix = 'com.openfaas.connector.'

/** Queue types of RabbitMQ. */
export type QueueType = 'quorum' | 'classic' | 'stream'

/** What the annotations of one function say to this connector. What was wrong is left out. */
export interface RabbitmqAnnotations {
  /** The exchange that its own queue is bound to. */
  readonly exchange?: string
  /** Absent: the exchange is somebody else's and only checked. */
  readonly exchangeType?: ExchangeType
  /** As written; not yet checked against the type of the exchange. */
  readonly routingKeys: readonly string[]
  /** Binding arguments for an exchange of type headers. */
  readonly matchHeaders?: FieldTable
  /** Its own queue; `auto`: `faas.<namespace>.<name>`. */
  readonly queue?: string
  readonly queueType?: QueueType
  /** Messages that its queue may hold unacknowledged here at once. */
  readonly prefetch?: number
  readonly streamStart?: StreamStart
  /** Publish the function's answer to `replyTo`. */
  readonly reply: boolean
  /** Publish an answer also when it has failed for good. */
  readonly replyErrors: boolean
  readonly consumerPriority?: number
  /** One consumer at a time over all replicas: keeps the order. */
  readonly singleActiveConsumer?: boolean
}

type Reader = (text: string) => Read<unknown>

/** One reader for each annotation, by its name without the prefix. */
const readers: ReadonlyMap<string, readonly [keyof RabbitmqAnnotations, Reader]> = new Map<
  string,
  readonly [keyof RabbitmqAnnotations, Reader]
>([
  ['exchange', ['exchange', readName]],
  ['exchange-type', ['exchangeType', readWord(...exchangeTypes)]],
  ['routing-keys', ['routingKeys', readItems]],
  ['match-headers', ['matchHeaders', readMatchHeaders]],
  ['queue', ['queue', readName]],
  ['queue-type', ['queueType', readWord<QueueType>('quorum', 'classic', 'stream')]],
  // AMQP's prefetch is a 16-bit number, and 0 would be without bound.
  ['prefetch', ['prefetch', readWhole(1, 65_535)]],
  ['stream-offset', ['streamStart', readStreamStart]],
  ['reply', ['reply', readFlag]],
  ['reply-errors', ['replyErrors', readFlag]],
  ['consumer-priority', ['consumerPriority', readWhole(-1000, 1000)]],
  ['single-active-consumer', ['singleActiveConsumer', readFlag]],
])

/** Every annotation that the RabbitMQ source reads, by its full name. */
export const rabbitmqAnnotations: readonly string[] = [...readers.keys()].map((name) => `${prefix}${name}`)

/** The full name of an annotation. */
export const annotationName = (name: string): string => `${prefix}${name}`

/** Reads the annotations of a function. Never throws: one that is wrong is reported and counts as absent. */
export const readAnnotations = (
  declared: Pick<FunctionDeclaration, 'function' | 'annotations'>,
): { readonly annotations: RabbitmqAnnotations; readonly problems: readonly AnnotationProblem[] } => {
  const read: Partial<Record<keyof RabbitmqAnnotations, unknown>> = {}
  const problems: AnnotationProblem[] = []
  for (const [name, [key, reader]] of readers) {
    const text = declared.annotations.get(`${prefix}${name}`)
    if (text === undefined) continue
    const result = reader(text)
    if ('problem' in result) problems.push(annotationProblem(declared.function, `${prefix}${name}`, result.problem))
    else read[key] = result.value
  }
  // Every reader gives the type of its own key.
  return { annotations: { routingKeys: [], reply: false, replyErrors: false, ...read } as RabbitmqAnnotations, problems }
}
