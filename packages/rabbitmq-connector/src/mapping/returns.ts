import type { DeliveredMessage } from '../transport/message.ts'

const maxReturns = 10_000

const countOf = ({ properties: { headers } }: DeliveredMessage, name: string): number | undefined => {
  const value = headers.get(name)
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? Math.min(value, maxReturns) : undefined
}

/**
 * How often a quorum queue of RabbitMQ 4.3 was given the message back as failed (`basic.reject`, or a consumer that died): at most 10,000.
 * The broker writes both headers over a producer's when it gives a message again, and not before: at the first time they are nobody's word.
 * `x-acquired-count` counts what was given back without a failure too, so that it is never the smaller one.
 */
export const returnsOf = (message: DeliveredMessage): number => {
  if (!message.redelivered) return 0
  const failed = countOf(message, 'x-delivery-count') ?? 0
  return Math.min(failed, countOf(message, 'x-acquired-count') ?? failed)
}
