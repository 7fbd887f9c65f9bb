import type { Clock } from '../contract/clock.ts'
import type { DeadLetterSink } from '../contract/dead-letter.ts'
import type { AnnotationProblem, FunctionsChange } from '../contract/functions-view.ts'
import type { Logger } from '../contract/logger.ts'
import type { HeaderNaming, MillraceEvent } from '../contract/event.ts'
import type { Source } from '../contract/source.ts'
import type { StateStore } from '../contract/state-store.ts'
import { Engine } from '../core/delivery/engine.ts'
import { defaultLimits, defaultTimes } from '../core/delivery/engine-options.ts'
import { describeError, MillraceError } from '../core/errors.ts'
import { defaultPolicy, type PolicyDefaults } from '../core/function-policy.ts'
import { createHeaderCodec } from '../core/headers/codec.ts'
import { defaultPrefix } from '../core/headers/name-rules.ts'
import { TopicMap, type TopicMapOptions } from '../core/topics/topic-map.ts'
import { version } from '../core/version.ts'
import { createGatewayClient } from '../ports/gateway/gateway-client.ts'
import { createInvoker } from '../ports/gateway/invoker.ts'
import { silentLogger } from '../ports/logging/pino-logger.ts'
import { memoryState } from '../ports/state/memory-store.ts'
import { systemClock } from '../ports/system-clock.ts'
import { Listeners } from './connector-events.ts'
import type { ConnectorOptions } from './connector-options.ts'
import { Discovery } from './discovery.ts'
import { heldWatch } from './held-watch.ts'
import { logObserver } from './log-observer.ts'
import { combineObservers, eventsObserver } from './observers.ts'
import { redirectWatch } from './redirect-watch.ts'
import { ReplyTap } from './reply-tap.ts'

/** What the wiring tells the connector. */
export interface WiringHooks {
  onMap(map: TopicMap, change: FunctionsChange): void
  onDiscovery(error: unknown, consecutiveFailures: number): void
  /** The gateway has answered every watched list, at this time. */
  onListed(at: number): void
  /** Why functions cannot be called, or `undefined` when they can. */
  onGateway(missing: string | undefined): void
  /** Which functions answer with redirects, or `undefined`. */
  onConfiguration(missing: string | undefined): void
  /** Why events are held for good, or `undefined`. */
  onHeld(missing: string | undefined): void
  pause(intake: string | undefined): void
  resume(intake: string | undefined): void
}

/** The parts of a connector, made and tied together. */
export interface ConnectorParts {
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
  readonly listeners: Listeners
  readonly engine: Engine
  readonly discovery: Discovery
  /** The sink in use, if there is one. */
  readonly deadLetters: DeadLetterSink | undefined
  readonly state: StateStore
  readonly replies: ReplyTap
  /** What the source said of annotations. */
  readonly sourceProblems: () => readonly AnnotationProblem[]
  readonly reportProblems: (problems: readonly AnnotationProblem[]) => void
  close(this: void): Promise<void>
}

const mergePolicy = ({ source, policy }: ConnectorOptions): PolicyDefaults => ({
  ...defaultPolicy,
  order: source?.order ?? defaultPolicy.order,
  ...policy,
  retry: { ...defaultPolicy.retry, ...policy?.retry },
})

const mapOptions = (options: ConnectorOptions): TopicMapOptions => ({
  defaults: mergePolicy(options),
  knownAnnotations: new Set(options.source?.annotations),
  ...(options.namespaces !== undefined && { namespaces: options.namespaces }),
})

const makeInvoker = (
  options: ConnectorOptions,
  clock: Clock,
  maxInFlight: number,
  onDropped: (event: MillraceEvent, count: number) => void,
): ReturnType<typeof createInvoker> => {
  const { gateway, source } = options
  const codec = createHeaderCodec({
    connector: options.name ?? `millrace/${source?.name ?? 'sdk'}-connector`,
    userAgent: `millrace/${version}`,
    sourceName: source?.name ?? 'millrace',
    onDropped,
    ...(source?.headerPrefix !== undefined && { headerPrefix: source.headerPrefix }),
    ...(source?.attributeNames !== undefined && { reservedNames: source.attributeNames }),
    ...(options.contentType !== undefined && { defaultContentType: options.contentType }),
  })
  return createInvoker({
    url: gateway.url,
    headers: codec,
    clock,
    connections: maxInFlight,
    ...(gateway.tls !== undefined && { tls: gateway.tls }),
    ...(gateway.connectTimeoutMs !== undefined && { connectTimeoutMs: gateway.connectTimeoutMs }),
    ...(gateway.maxReplyBytes !== undefined && { maxReplyBytes: gateway.maxReplyBytes }),
  })
}

const makeDiscovery = (options: ConnectorOptions, parts: { clock: Clock; random: () => number; logger: Logger }, hooks: WiringHooks) => {
  const { gateway } = options
  const client = createGatewayClient({
    url: gateway.url,
    ...(gateway.credentials !== undefined && { credentials: gateway.credentials }),
    ...(gateway.listTimeoutMs !== undefined && { timeoutMs: gateway.listTimeoutMs }),
    ...(gateway.tls !== undefined && { tls: gateway.tls }),
  })
  const build = mapOptions(options)
  const discovery = new Discovery({
    ...parts,
    client,
    intervalMs: options.rebuildIntervalMs ?? 30_000,
    build: (functions, previous) => TopicMap.build(functions, build, previous),
    ...(options.namespaces !== undefined && { namespaces: options.namespaces }),
    onMap: (map, change) => hooks.onMap(map, change),
    onState: (state) => {
      if (state.ok) hooks.onListed(state.at)
      else hooks.onDiscovery(state.error, state.consecutiveFailures)
    },
  })
  return { client, discovery }
}

const namingOf = ({ name, headerPrefix, attributeNames }: Source): HeaderNaming => ({
  prefix: headerPrefix ?? defaultPrefix(name),
  reserved: attributeNames ?? [],
})

const emptyMap = { match: () => [], get: () => undefined }

/** Makes all parts of a connector. Nothing runs and nothing is connected yet. */
export const wireConnector = (options: ConnectorOptions, hooks: WiringHooks): ConnectorParts => {
  const { source } = options
  if (source?.replay === 'spool' && options.spool === undefined) throw new MillraceError('E_CONNECTOR_SPOOL', { source: source.name })
  const deadLetters = options.deadLetters ?? source?.deadLetters
  if (options.unmatched === 'dead-letter' && deadLetters === undefined) throw new MillraceError('E_CONNECTOR_DEAD_LETTERS')
  const clock = options.clock ?? systemClock
  const random = options.random ?? Math.random
  const logger = options.logger ?? silentLogger
  const limits = { ...defaultLimits, ...options.limits }
  const listeners = new Listeners(logger)
  const replies = new ReplyTap(listeners)
  const redirects = redirectWatch((missing) => hooks.onConfiguration(missing))
  const onMap: WiringHooks['onMap'] = (map, change) => {
    redirects.onChange(change)
    hooks.onMap(map, change)
  }
  const { client, discovery } = makeDiscovery(options, { clock, random, logger }, { ...hooks, onMap })
  const gatewayWatch = {
    breakerChanged: (scope: unknown, state: string, why: string): void => {
      if (scope === 'gateway' && state !== 'half-open') hooks.onGateway(state === 'open' ? `the gateway cannot be used: ${why}` : undefined)
    },
  }
  const own = [
    eventsObserver(listeners),
    logObserver(logger),
    replies.observer(),
    gatewayWatch,
    redirects.observer,
    heldWatch((missing) => hooks.onHeld(missing)),
  ]
  const observer = combineObservers([...own, ...(options.observers ?? [])], logger)
  const invoker = makeInvoker(options, clock, limits.maxInFlight, (event, count) => observer.headersDropped?.(event, count))
  const engine = new Engine(
    {
      clock,
      random,
      invoker,
      observer,
      source: source ?? {},
      naming: source === undefined ? undefined : namingOf(source),
      deadLetters,
      limits,
      times: { ...defaultTimes, ...(source?.deferFromMs !== undefined && { deferFromMs: source.deferFromMs }), ...options.times },
      unmatched: options.unmatched ?? 'ack',
      wantReply: () => source?.replies === true || replies.wanted,
      pause: (intake) => hooks.pause(intake),
      resume: (intake) => hooks.resume(intake),
    },
    emptyMap,
  )
  let problems: readonly AnnotationProblem[] = []
  const state = options.state ?? memoryState({ clock })
  return {
    clock,
    random,
    logger,
    listeners,
    engine,
    discovery,
    deadLetters,
    state,
    replies,
    sourceProblems: () => problems,
    reportProblems: (now) => {
      for (const problem of now) {
        if (!problems.some((p) => p.function === problem.function && p.annotation === problem.annotation && p.reason === problem.reason)) {
          logger.warn('an annotation cannot be used', { ...problem })
        }
      }
      problems = now
    },
    close: async () => {
      // Stores and sinks that were given belong to whoever opened them.
      const closing = [invoker.close(), client.close(), ...(options.state === undefined ? [state.close()] : [])]
      for (const closed of await Promise.allSettled(closing)) {
        if (closed.status === 'rejected') logger.error('a part did not close cleanly', { error: describeError(closed.reason) })
      }
    },
  }
}
