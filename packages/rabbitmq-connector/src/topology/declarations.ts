import type { FieldTable, FieldValue } from '../transport/message.ts'
import type { QueueType } from './annotations.ts'
import { letterQueue, tierQueue } from './names.ts'
import type { TopologyOptions } from './options.ts'
import type { DelayTier, QueueDeclaration } from './plan.ts'
import { atLeast } from './server-version.ts'

/** How a work queue is to be. */
export interface QueueShape {
  readonly how: 'declare' | 'when-missing'
  readonly type: QueueType
  readonly durable: boolean
  readonly autoDelete: boolean
  readonly exclusive: boolean
  readonly ordered: boolean
  /** For one function only: what the broker does with a whole message is right for it. */
  readonly single: boolean
}

const table = (entries: readonly (readonly [string, FieldValue | undefined])[]): FieldTable => {
  const filled = new Map<string, FieldValue>()
  for (const [name, value] of entries) if (value !== undefined) filled.set(name, value)
  return filled
}

const howOf = (how: QueueDeclaration['how'], options: TopologyOptions): QueueDeclaration['how'] => (options.declare ? how : 'check')

/** Only durable, shared, lasting queues can be quorum queues or streams. */
const typeOf = (shape: QueueShape): QueueType => (shape.durable && !shape.autoDelete && !shape.exclusive ? shape.type : 'classic')

const quorumArguments = (
  deadLetters: string | undefined,
  options: TopologyOptions,
): readonly (readonly [string, FieldValue | undefined])[] => {
  const { serverVersion, deliveryLimit } = options
  // Without a place for it, a message over the limit would be dropped: from 4.0 on also by a default limit of 20.
  const noLimit = atLeast(serverVersion, 4, 0) ? -1 : undefined
  return [
    ['x-delivery-limit', deadLetters === undefined ? noLimit : deliveryLimit],
    // The default, at-most-once, loses what cannot be routed at that moment (rabbitmq.md 5.2, measured). It needs reject-publish.
    ['x-dead-letter-strategy', deadLetters === undefined ? undefined : 'at-least-once'],
  ]
}

/** Whether a queue gets the delayed retry of RabbitMQ 4.3: only one of our own, for of any other nobody knows which arguments it has. */
export const hasNativeRetry = (shape: QueueShape, options: TopologyOptions): boolean =>
  options.nativeRetry &&
  options.declare &&
  shape.how === 'declare' &&
  shape.single &&
  !shape.ordered &&
  typeOf(shape) === 'quorum' &&
  options.tiersMs.length > 0 &&
  atLeast(options.serverVersion, 4, 3)

/** The queue that is consumed (rabbitmq.md 5.2). */
export const workQueue = (queue: string, shape: QueueShape, options: TopologyOptions): QueueDeclaration => {
  const type = typeOf(shape)
  const isStream = type === 'stream'
  const deadLetters = isStream || options.deadLetterQueue === undefined ? undefined : letterQueue(options.deadLetterQueue, queue)
  const native = hasNativeRetry(shape, options)
  return {
    queue,
    how: howOf(shape.how, options),
    durable: shape.durable,
    autoDelete: shape.autoDelete,
    exclusive: shape.exclusive,
    arguments: table([
      ['x-queue-type', type],
      ['x-dead-letter-exchange', deadLetters === undefined ? undefined : ''],
      ['x-dead-letter-routing-key', deadLetters],
      ...(type === 'quorum' ? quorumArguments(deadLetters, options) : []),
      ['x-overflow', isStream ? undefined : 'reject-publish'],
      ['x-single-active-consumer', shape.ordered && !isStream ? true : undefined],
      ['x-expires', isStream ? undefined : options.expiresMs],
      ['x-consumer-timeout', !isStream && atLeast(options.serverVersion, 3, 12) ? options.consumerTimeoutMs : undefined],
      // Linear by the number of returns, as 4.3 is documented (unverified). The waits that come here begin above the shortest delay.
      ['x-delayed-retry-type', native ? 'failed' : undefined],
      ['x-delayed-retry-min', native ? (options.tiersMs[1] ?? options.tiersMs[0]) : undefined],
      ['x-delayed-retry-max', native ? options.tiersMs.at(-1) : undefined],
    ]),
  }
}

/** The delay queues of a work queue; none below 3.10, where a quorum queue knows no time to live. */
export const tiersOf = (queue: string, options: TopologyOptions): readonly DelayTier[] =>
  atLeast(options.serverVersion, 3, 10)
    ? [...new Set(options.tiersMs)]
        .toSorted((left, right) => left - right)
        .map((delayMs) => ({ delayMs, queue: tierQueue(queue, delayMs) }))
    : []

const lasting = { durable: true, autoDelete: false, exclusive: false } as const

/** A delay queue: what has lain in it for its time goes to the work queue, and stays while there is none. */
export const tierDeclaration = (tier: DelayTier, queue: string, options: TopologyOptions): QueueDeclaration => ({
  queue: tier.queue,
  how: howOf('declare', options),
  ...lasting,
  arguments: table([
    ['x-queue-type', 'quorum'],
    ['x-message-ttl', tier.delayMs],
    ['x-dead-letter-exchange', ''],
    ['x-dead-letter-routing-key', queue],
    ['x-dead-letter-strategy', 'at-least-once'],
    ['x-overflow', 'reject-publish'],
  ]),
})

/** Where letters lie until a person or a program takes them: no time to live, no way on. */
export const letterDeclaration = (queue: string, options: TopologyOptions): QueueDeclaration => ({
  queue,
  how: howOf('declare', options),
  ...lasting,
  arguments: table([
    ['x-queue-type', 'quorum'],
    // From 4.0 on the default is 20 returns, and there is no way on from here: somebody who looks at letters too often would lose them.
    ['x-delivery-limit', atLeast(options.serverVersion, 4, 0) ? -1 : undefined],
    ['x-overflow', 'reject-publish'],
  ]),
})
