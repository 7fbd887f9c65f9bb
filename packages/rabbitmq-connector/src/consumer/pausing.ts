import type { IntakePlan } from '../topology/plan.ts'

/**
 * Whether a paused queue keeps its consumer, and what has come waits here: the prefetch bounds it. Else the consumer is cancelled, so that
 * other replicas get what we do not take. Cancelling would hand an ordered queue to another consumer in the middle, lose the place in a
 * stream, and delete a queue that lives by its consumers: one with `auto-delete` or `x-expires`, or perhaps one that somebody else made.
 */
export const holdsWhilePaused = ({ ordered, mode, declare: { queue } }: IntakePlan): boolean =>
  ordered || mode === 'stream' || queue === undefined || queue.how !== 'declare' || queue.autoDelete || queue.arguments.has('x-expires')
