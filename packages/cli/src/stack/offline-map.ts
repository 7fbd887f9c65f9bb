import { cronAnnotations } from '@millrace/cron-connector'
import { TopicMap } from '@millrace/sdk'
import type { CoreConfig, ListedFunction, PolicyDefaults } from '@millrace/sdk'
import type { Stack, StackFunction } from '@millrace/dev-gateway'

const policyOf = (core: CoreConfig): PolicyDefaults => ({
  order: 'none',
  concurrency: core.maxInflightPerFunction,
  timeoutMs: core.upstreamTimeoutMs,
  async: core.asynchronousInvocation,
  deadLetter: 'sink',
  retry: {
    attempts: core.retryAttempts,
    minWaitMs: core.retryMinWaitMs,
    maxWaitMs: core.retryMaxWaitMs,
    jitter: core.retryJitter,
    maxAgeMs: core.retryMaxAgeMs,
    notFoundGraceMs: core.retryNotFoundGraceMs,
    retryAfterCapMs: core.retryAfterCapMs,
    poisonAfterMs: core.retryPoisonAfterMs,
  },
})

const listed = ({ name, namespace, annotations, image }: StackFunction): ListedFunction => ({
  name,
  image,
  annotations: new Map(Object.entries(annotations)),
  ...(namespace !== undefined && { namespace }),
})

/** The topic map that a gateway with these functions would lead to. No network, no function is started. */
export const offlineMap = (stack: Stack, core: CoreConfig): TopicMap =>
  TopicMap.build(stack.functions.map(listed), {
    defaults: policyOf(core),
    knownAnnotations: cronAnnotations,
    namespaces: {
      ...(core.namespacesAllow.length > 0 && { allow: core.namespacesAllow }),
      ...(core.namespacesDeny.length > 0 && { deny: core.namespacesDeny }),
    },
  })
