import { planTopology, topologyOf } from '@millrace/rabbitmq-connector'
import type { RabbitmqConfig } from '@millrace/rabbitmq-connector'
import type { AnnotationProblem, FunctionDeclaration } from '@millrace/sdk'

/**
 * What the RabbitMQ connector itself says of the functions. Without its settings nobody knows whether topics are queues: then only the
 * functions with annotations for it are looked at.
 */
export const checkQueues = (
  declarations: readonly FunctionDeclaration[],
  rabbitmq: { readonly config: RabbitmqConfig; readonly isGiven: boolean },
): readonly AnnotationProblem[] => {
  const options = topologyOf(rabbitmq.config)
  // The oldest broker that it works with: what needs a newer one is said when it is met.
  return planTopology(declarations, { ...options, mode: rabbitmq.isGiven ? options.mode : 'none', serverVersion: '3.10.0' }).problems
}
