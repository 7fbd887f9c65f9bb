import { cronAnnotations } from '@millrace/cron-connector'
import { rabbitmqAnnotations } from '@millrace/rabbitmq-connector'
import { policyDefaults, TopicMap, watchedNamespaces } from '@millrace/sdk'
import type { CoreConfig, ListedFunction } from '@millrace/sdk'
import type { Stack, StackFunction } from '@millrace/dev-gateway'

const listed = ({ name, namespace, annotations, image }: StackFunction): ListedFunction => ({
  name,
  image,
  annotations: new Map(Object.entries(annotations)),
  ...(namespace !== undefined && { namespace }),
})

/** The topic map that a gateway with these functions would lead to. No network, no function is started. */
export const offlineMap = (stack: Stack, core: CoreConfig): TopicMap =>
  TopicMap.build(stack.functions.map(listed), {
    defaults: policyDefaults(core),
    knownAnnotations: new Set([...cronAnnotations, ...rabbitmqAnnotations]),
    namespaces: watchedNamespaces(core),
  })
