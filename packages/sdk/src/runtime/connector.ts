import type { AnnotationProblem, FunctionsChange } from '../contract/functions-view.ts'
import type { Logger } from '../contract/logger.ts'
import type { MillraceEvent } from '../contract/event.ts'
import type { SourceContext } from '../contract/source.ts'
import type { Engine } from '../core/delivery/engine.ts'
import type { DeliveryStats } from '../core/delivery/stats.ts'
import type { Explanation } from '../core/topics/explanation.ts'
import type { TopicMap } from '../core/topics/topic-map.ts'
import { describeError, isMillraceError, MillraceError } from '../core/errors.ts'
import { noMetrics } from '../core/no-metrics.ts'
import { atMost } from './at-most.ts'
import type { ConnectorEvents } from './connector-events.ts'
import type { ConnectorOptions } from './connector-options.ts'
import { type ConnectorParts, wireConnector } from './connector-parts.ts'
import { type InvokeOptions, type InvokeResult, invokeTopic } from './invoke.ts'
import { LifeCycle, type LifeCycleState } from './life-cycle.ts'
import { SourceRunner } from './source-runner.ts'
import { SpoolIntake } from './spool-intake.ts'

/** How long a source may take to free what outlives its sessions. */
const disposeMs = 10_000

/** A running connector. */
export interface Connector extends AsyncDisposable {
  readonly state: LifeCycleState
  /** Empty when ready; else one sentence for each reason why not. */
  readonly notReady: readonly string[]
  /** Resolves when the connector has stopped; never rejects. */
  readonly done: Promise<void>
  /**
   * Opens, waits for the first good topic map (for ever: the gateway may come later than the connector), connects the
   * source. Resolves when the map is there and the source has been asked to connect.
   *
   * @throws MillraceError when the options cannot work, `E_CONNECTOR_STATE` on a second call
   */
  start(): Promise<void>
  /** Drains: intake stops, what is in flight finishes until the deadline, the rest is released. Idempotent. */
  stop(): Promise<void>
  /** The last resort: releases everything at once and closes. What was in flight may run again. */
  kill(): Promise<void>
  /**
   * Calls the functions of a topic and resolves with a result for each of them, nothing swallowed. Rejects as `invokeTopic` says, and with
   * `E_CONNECTOR_STATE` before the first topic map and after the stop.
   */
  invoke(topic: string, body: string | Uint8Array, options?: InvokeOptions): Promise<readonly InvokeResult[]>
  /** Which functions get a topic, and for those that nearly do, why not. */
  explain(topic: string, event?: MillraceEvent): Explanation
  /** Reads the function list now. */
  refresh(): Promise<void>
  /** The topic map in force; `undefined` before the first good one. */
  readonly topicMap: TopicMap | undefined
  /** Annotations that cannot be used, the map's and the source's. */
  problems(): readonly AnnotationProblem[]
  stats(): DeliveryStats
  /** Replies that no `reply` listener saw, because they came faster than the listeners took them. */
  readonly droppedReplies: number
  on<K extends keyof ConnectorEvents>(name: K, listener: (payload: ConnectorEvents[K]) => void): () => void
}

class RunningConnector implements Connector {
  readonly #options: ConnectorOptions
  readonly #parts: ConnectorParts
  readonly #logger: Logger
  readonly #life: LifeCycle
  readonly #engine: Engine
  readonly #draining = new AbortController()
  readonly #abort = new AbortController()
  readonly #done = Promise.withResolvers<void>()
  readonly #firstMap = Promise.withResolvers<void>()
  /** Timers of the clock keep no process alive; a connector that waits for its gateway or its broker must. */
  #alive: NodeJS.Timeout | undefined
  #runner: SourceRunner | undefined
  #stopping: Promise<void> | undefined

  constructor(options: ConnectorOptions) {
    this.#options = options
    this.#life = new LifeCycle((state, before) => {
      this.#logger.info('life cycle', { state, before, reasons: this.#life.reasons })
      this.#parts.listeners.emit('state:changed', { state, before })
    })
    this.#parts = wireConnector(options, {
      onMap: (map, change) => this.#onMap(map, change),
      onDiscovery: (error, consecutiveFailures) => this.#parts.listeners.emit('discovery:failed', { error, consecutiveFailures }),
      onListed: (at) => {
        this.#engine.hintGateway()
        this.#parts.listeners.emit('discovery:listed', { at })
      },
      onGateway: (missing) => this.#life.condition('gateway', missing),
      onConfiguration: (missing) => this.#life.condition('configuration', missing),
      onHeld: (missing) => this.#life.condition('dead-letters', missing),
      pause: (intake) => this.#runner?.pause(intake),
      resume: (intake) => this.#runner?.resume(intake),
    })
    this.#logger = this.#parts.logger
    this.#engine = this.#parts.engine
    if (options.source !== undefined) this.#life.condition('source', `${options.source.name}: not connected yet`)
  }

  get state(): LifeCycleState {
    return this.#life.state
  }

  get notReady(): readonly string[] {
    return this.#life.reasons
  }

  get done(): Promise<void> {
    return this.#done.promise
  }

  get topicMap(): TopicMap | undefined {
    return this.#parts.discovery.map
  }

  async start(): Promise<void> {
    if (this.#life.state !== 'starting') {
      throw new MillraceError('E_CONNECTOR_STATE', { call: 'start()', state: this.#life.state })
    }
    this.#life.to('discovering')
    this.#alive = setInterval(() => {}, 2 ** 30)
    this.#parts.discovery.start()
    await this.#firstMap.promise
    // A stop may have come while the map did; its drain has not aborted anything yet.
    if (this.#stopping !== undefined) return
    if (this.#options.source !== undefined) this.#connect(this.#options.source)
    this.#life.to('running')
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop(this.#options.drainMs ?? 25_000)
    return this.#stopping
  }

  async kill(): Promise<void> {
    this.#engine.kill()
    this.#stopping ??= this.#stop(0)
    await this.#stopping
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  invoke(topic: string, body: string | Uint8Array, options: InvokeOptions = {}): Promise<readonly InvokeResult[]> {
    if (this.#parts.discovery.map === undefined || this.#abort.signal.aborted) {
      return Promise.reject(new MillraceError('E_CONNECTOR_STATE', { call: 'invoke()', state: this.#life.state }))
    }
    return invokeTopic(this.#engine, this.#parts, topic, body, options)
  }

  explain(topic: string, event?: MillraceEvent): Explanation {
    return this.#parts.discovery.map?.explain(topic, event) ?? { topic, matches: [], nearMisses: [] }
  }

  refresh(): Promise<void> {
    return this.#parts.discovery.refresh()
  }

  get droppedReplies(): number {
    return this.#parts.replies.dropped
  }

  problems(): readonly AnnotationProblem[] {
    return [...(this.#parts.discovery.map?.problems ?? []), ...this.#parts.sourceProblems()]
  }

  stats(): DeliveryStats {
    return this.#engine.stats()
  }

  on<K extends keyof ConnectorEvents>(name: K, listener: (payload: ConnectorEvents[K]) => void): () => void {
    return this.#parts.listeners.on(name, listener)
  }

  #onMap(map: TopicMap, change: FunctionsChange): void {
    this.#engine.setMap(map, change)
    if (change.added.length + change.changed.length + change.removed.length > 0) {
      this.#parts.listeners.emit('map:changed', { change, functions: map.functions.length })
    }
    this.#firstMap.resolve()
  }

  #connect(source: NonNullable<ConnectorOptions['source']>): void {
    const { clock, random, listeners, state, discovery, reportProblems, deadLetters } = this.#parts
    const { spool } = this.#options
    const intake = spool === undefined ? undefined : new SpoolIntake(spool, this.#engine, clock, this.#logger, this.#draining.signal)
    const context: Omit<SourceContext, 'emit' | 'revoke' | 'notReady'> = {
      functions: discovery,
      accept: (delivery) => intake?.accept(delivery) ?? Promise.resolve(false),
      reportProblems,
      ...(deadLetters !== undefined && { deadLetters }),
      state,
      metrics: this.#options.metrics ?? noMetrics,
      clock,
      draining: this.#draining.signal,
      signal: this.#abort.signal,
      logger: this.#logger.child({ component: source.name }),
    }
    this.#runner = new SourceRunner({
      source,
      engine: this.#engine,
      clock,
      random,
      logger: this.#logger,
      context,
      signal: this.#abort.signal,
      onConnected: () => {
        this.#life.condition('source', undefined)
        listeners.emit('source:connected', { source: source.name })
      },
      onNotReady: (reason) => this.#life.condition('intake', reason && `${source.name}: ${describeError(reason, 300)}`),
      onLost: (error, retryMs) => {
        this.#life.condition('source', `${source.name}: ${describeError(error, 300)}`)
        this.#logger.warn('the source is not connected; what was not acknowledged comes again', {
          source: source.name,
          error: describeError(error),
          ...(isMillraceError(error) && { code: error.code, fix: error.fix }),
          retry_ms: retryMs,
        })
        listeners.emit('source:lost', { source: source.name, error, retryMs })
      },
    })
    void intake?.replay()
    this.#runner.start()
  }

  async #stop(drainMs: number): Promise<void> {
    this.#life.to('draining')
    this.#draining.abort()
    const { discovery, close } = this.#parts
    await this.#attempt(() => discovery.stop())
    this.#runner?.pause(undefined)
    this.#engine.stop()
    await this.#attempt(() => this.#engine.revoke(() => true, drainMs, 'drain'))
    this.#abort.abort()
    this.#firstMap.resolve()
    await this.#attempt(() => this.#runner?.close())
    await this.#attempt(() => this.#dispose())
    this.#engine.kill()
    await this.#attempt(close)
    clearInterval(this.#alive)
    this.#life.to('stopped')
    this.#done.resolve()
  }

  /** One step of a stop: one that fails must not keep the others from being made. */
  async #attempt(step: () => Promise<void> | undefined): Promise<void> {
    try {
      await step()
    } catch (error) {
      this.#logger.error('the connector did not close cleanly', { error: describeError(error) })
    }
  }

  async #dispose(): Promise<void> {
    const { source } = this.#options
    // All is acknowledged or released by now: a source that hangs must not keep the process from ending.
    const disposed = await atMost(this.#parts.clock, disposeMs, source?.dispose?.())
    if (!disposed) this.#logger.warn('the source did not free what it holds in time', { source: source?.name })
  }
}

/**
 * Wires a connector; nothing runs before `start()`.
 *
 * @throws MillraceError `E_GATEWAY_URL`, `E_CONNECTOR_SPOOL`, `E_CONNECTOR_DEAD_LETTERS` when the options cannot work
 */
export const createConnector = (options: ConnectorOptions): Connector => new RunningConnector(options)
