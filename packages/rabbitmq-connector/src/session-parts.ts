import { matchesPattern, parseTopicPattern } from '@millrace/sdk'
import type { FunctionDeclaration, SourceContext } from '@millrace/sdk'
import { HandOver } from './consumer/hand-over.ts'
import type { RabbitmqObserver } from './consumer/observer.ts'
import { publishReplies } from './consumer/replies.ts'
import type { Dedupe } from './dedupe/dedupe.ts'
import { messageToEvent } from './mapping/message-to-event.ts'
import type { MappingContext, Reach } from './mapping/message-to-event.ts'
import type { Plans } from './plans.ts'
import { publishReply } from './reply/publish-reply.ts'
import type { NativeRetries } from './retry/native-retry.ts'
import type { Topology } from './session-options.ts'
import type { TopologyApplier } from './topology/apply-intake.ts'
import type { TopologyOptions } from './topology/options.ts'
import { planTopology } from './topology/plan-topology.ts'
import type { Publisher } from './transport/transport.ts'

/** What the parts are made of. */
export interface PartsOptions {
  readonly context: SourceContext
  readonly plans: Plans
  readonly publisher: Publisher
  readonly observer: RabbitmqObserver
  readonly applier: TopologyApplier
  readonly topology: TopologyOptions
  readonly vhost: string
  readonly mapping: Pick<MappingContext, 'orderKey' | 'cloudEvents' | 'maxBodyBytes'> | undefined
  readonly dedupe: Dedupe | undefined
  readonly native: NativeRetries
}

/** Whether a function wants a topic. */
const subscribes = ({ topics }: FunctionDeclaration, topic: string): boolean =>
  topics.some((each) => {
    if (each === topic) return true
    const pattern = parseTopicPattern(each)
    return !('problem' in pattern) && !pattern.exact && matchesPattern(pattern, topic)
  })

const topologyOf = ({ applier, topology, plans }: PartsOptions): Topology => ({
  plan: (functions, serverVersion) => planTopology(functions, { ...topology, serverVersion }),
  async apply(link, plan) {
    const applied = await applier.apply(link, plan)
    plans.setApplied(plan.queue, applied)
    return applied.refused.length
  },
  async tidy(link, latest) {
    await applier.applyUnwanted(link, latest())
    return applier.retire(link, latest, topology.declare)
  },
})

const handOverOf = (options: PartsOptions): HandOver => {
  const { context, plans, publisher, observer, vhost, mapping, dedupe, native } = options
  const { clock, logger, functions } = context
  const reach = (name: string, topic: string): Reach => {
    const declared = functions.get(name)
    if (declared === undefined) return 'unlisted'
    return subscribes(declared, topic) ? 'subscribed' : 'unsubscribed'
  }
  const mappingContext: MappingContext = { ...mapping, vhost, now: () => clock.now(), reach }
  const replies = {
    clock,
    logger,
    observer,
    wishOf: (name: string) => plans.annotations(name),
    publish: (
      event: Parameters<typeof publishReply>[0],
      result: Parameters<typeof publishReply>[1],
      wish: { reply: boolean; replyErrors: boolean },
    ) => publishReply(event, result, { publisher, wish, isOwn: (queue) => plans.isOwn(queue), clock, logger }),
  }
  return new HandOver({
    context,
    observer,
    dedupe,
    map: (message, plan) => {
      const mapped = messageToEvent(message, plan, mappingContext)
      return plan.nativeRetry === true ? native.resume(mapped, message, plans.intake(plan.queue) ?? plan) : mapped
    },
    reply: (arrival, settlement, ended) => (plans.anyReply ? publishReplies(arrival, settlement, ended, replies) : undefined),
  })
}

/** What a session is given of the rooms below: how queues are declared, and how messages become events. */
export const sessionParts = (options: PartsOptions): { readonly topology: Topology; readonly handOver: HandOver } => ({
  topology: topologyOf(options),
  handOver: handOverOf(options),
})
