import { annotationProblem } from '@millrace/sdk'
import type { AnnotationProblem, FunctionDeclaration } from '@millrace/sdk'
import type { QueueType, RabbitmqAnnotations } from './annotations.ts'
import { annotationName } from './annotations.ts'
import { batchProblems, batchSizeOf } from './batches.ts'
import type { TopologyOptions } from './options.ts'
import type { StreamStart } from './stream-start.ts'

/** A function with what its annotations say. */
export interface PlannedFunction {
  readonly declared: FunctionDeclaration
  readonly annotations: RabbitmqAnnotations
}

/** What the functions of one queue say about it together. */
export interface QueueWishes {
  readonly prefetch: number
  readonly ordered: boolean
  readonly queueType?: QueueType
  readonly streamStart?: StreamStart
  readonly consumerPriority?: number
  /** Of batches that cannot be as large as they should. */
  readonly batchProblems: readonly AnnotationProblem[]
}

const maxPrefetch = 65_535

const numberOf = ({ declared }: PlannedFunction, name: string): number | undefined => {
  const text = declared.annotations.get(annotationName(name))?.trim() ?? ''
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined
}

/** Calls at once that a queue of this function should be able to feed; a batch waits for all of its events. */
const demandOf = (planned: PlannedFunction, options: TopologyOptions): number =>
  Math.max(numberOf(planned, 'concurrency') ?? options.concurrency, batchSizeOf(planned.declared))

const orderOf = ({ declared }: PlannedFunction): string | undefined => declared.annotations.get(annotationName('order'))?.trim()

const isOrder = (order: string | undefined): boolean => order === 'key' || order === 'partition'

const isOrdered = (planned: PlannedFunction, options: TopologyOptions): boolean =>
  isOrder(orderOf(planned)) || (planned.annotations.singleActiveConsumer ?? options.singleActiveConsumer)

/** Its lanes keep the order of its queue; without a word as the source says, for all of its queues. */
const keepsOrder = (planned: PlannedFunction, options: TopologyOptions): boolean =>
  isOrder(orderOf(planned) ?? (options.singleActiveConsumer ? 'partition' : 'none'))

/**
 * One queue has one prefetch, type, start and priority: the first function by name that says something decides, and others that say
 * something else are told so.
 *
 * @param functions sorted by name; those of one queue
 */
export const wishesOf = (
  queue: string,
  functions: readonly PlannedFunction[],
  options: TopologyOptions,
  problems: AnnotationProblem[],
): QueueWishes => {
  const first = <T>(name: string, read: (annotations: RabbitmqAnnotations) => T | undefined): T | undefined => {
    const says = functions.filter(({ annotations }) => read(annotations) !== undefined)
    const [winner, ...others] = says
    const value = winner && read(winner.annotations)
    for (const { declared, annotations } of others) {
      if (JSON.stringify(read(annotations)) === JSON.stringify(value)) continue
      const reason = `the queue \`${queue}\` is shared, and ${winner?.declared.function ?? ''} says otherwise; its value is used`
      problems.push(annotationProblem(declared.function, annotationName(name), reason))
    }
    return value
  }
  const queueType = first('queue-type', ({ queueType: type }) => type)
  const streamStart = first('stream-offset', ({ streamStart: start }) => start)
  const consumerPriority = first('consumer-priority', ({ consumerPriority: priority }) => priority) ?? options.consumerPriority
  const demand = functions.reduce((most, planned) => Math.max(most, demandOf(planned, options)), 1)
  const batch = functions.reduce((most, { declared }) => Math.max(most, batchSizeOf(declared)), 1)
  // A batch waits for all of its messages, so there must be room for them; what an annotation says of its own queue is meant.
  const wanted = first('prefetch', ({ prefetch: count }) => count) ?? Math.max(options.prefetch ?? 2 * demand, batch)
  const prefetch = Math.min(Math.max(1, Math.ceil(wanted)), maxPrefetch)
  const ordered = functions.some((planned) => isOrdered(planned, options))
  const serial = ordered && !functions.every((planned) => keepsOrder(planned, options))
  return {
    prefetch,
    ordered,
    batchProblems: functions.flatMap(({ declared }) => batchProblems(declared, { prefetch, serial })),
    ...(queueType !== undefined && { queueType }),
    ...(streamStart !== undefined && { streamStart }),
    ...(consumerPriority !== undefined && { consumerPriority }),
  }
}
