import type { Clock, Timer } from '../contract/clock.ts'
import type { FunctionDeclaration, FunctionsChange, FunctionsView } from '../contract/functions-view.ts'
import type { Logger } from '../contract/logger.ts'
import { describeError, isMillraceError } from '../core/errors.ts'
import { printable } from '../core/printable.ts'
import { KnownFunctions } from '../core/topics/known-functions.ts'
import type { ListRound } from '../core/topics/known-functions.ts'
import type { ListedFunction } from '../core/topics/listed-function.ts'
import { isNamespaceName } from '../core/topics/names.ts'
import type { TopicMap } from '../core/topics/topic-map.ts'
import { namespaceSelector } from '../core/topics/watched-namespaces.ts'
import type { NamespaceSelection } from '../core/topics/watched-namespaces.ts'
import type { GatewayClient } from '../ports/gateway/gateway-client.ts'
import { inParallel } from './in-parallel.ts'

/** How the last refresh went. */
export interface DiscoveryState {
  /** Every watched list was good. */
  readonly ok: boolean
  /** Of the first list that was not. */
  readonly error?: unknown
  /** Epoch milliseconds. */
  readonly at: number
  readonly consecutiveFailures: number
}

export interface DiscoveryOptions {
  readonly client: Pick<GatewayClient, 'listNamespaces' | 'listFunctions' | 'ready'>
  readonly clock: Clock
  /** From 0 up to 1. */
  readonly random: () => number
  /** Between refreshes; each wait is 10 % shorter to 10 % longer. */
  readonly intervalMs: number
  /** Makes the map; given the last one so that what is unchanged can be taken over. */
  readonly build: (functions: readonly ListedFunction[], previous: TopicMap | undefined) => TopicMap
  /** Those not watched are listed too, so that the map can say why a function gets nothing, but their failures do not matter. @default all */
  readonly namespaces?: NamespaceSelection
  readonly logger: Logger
  /** After each refresh that brought anything, also when nothing changed. The map is already in force. */
  readonly onMap?: (map: TopicMap, change: FunctionsChange) => void
  /** After each refresh. */
  readonly onState?: (state: DiscoveryState) => void
}

/** First wait after a failure. */
const retryMs = 1_000
/** Longest wait after failures, unless the interval itself is longer. */
const maxRetryMs = 30_000
const parallelLists = 4
const namesInLog = 20

const isEmpty = (change: FunctionsChange): boolean => change.added.length + change.changed.length + change.removed.length === 0

/**
 * Keeps the topic map fresh. There is no map before the first round in which every watched list was good; from then on the last good
 * one stays in force whatever fails, each namespace by itself, and a function goes by decision P6 only.
 */
export class Discovery implements FunctionsView {
  readonly #options: DiscoveryOptions
  readonly #known = new KnownFunctions()
  readonly #isWatched: (namespace: string | undefined) => boolean
  readonly #listeners = new Set<(change: FunctionsChange) => void>()
  #map: TopicMap | undefined
  #snapshot: readonly FunctionDeclaration[] = []
  #failures = 0
  #timer: Timer | undefined
  #running: Promise<void> | undefined
  #queued: Promise<void> | undefined
  #abort: AbortController | undefined

  constructor(options: DiscoveryOptions) {
    this.#options = options
    this.#isWatched = namespaceSelector(options.namespaces)
  }

  /** The last good map; `undefined` before the first. */
  get map(): TopicMap | undefined {
    return this.#map
  }

  /** Begins with a refresh at once. */
  start(): void {
    if (this.#abort !== undefined) return
    this.#abort = new AbortController()
    void this.refresh()
  }

  /** Stops a refresh that runs and those to come; what it would have found is not used. */
  async stop(): Promise<void> {
    this.#timer?.cancel()
    this.#abort?.abort()
    await this.#running
    this.#abort = undefined
  }

  /**
   * Asks the gateway now. One refresh runs at a time: calls during one share the next. Never rejects; `onState` tells how it went.
   * Does nothing unless started.
   */
  refresh(): Promise<void> {
    if (this.#running === undefined) return this.#begin()
    this.#queued ??= this.#running.then(() => {
      this.#queued = undefined
      return this.#running ?? this.#begin()
    })
    return this.#queued
  }

  snapshot(): readonly FunctionDeclaration[] {
    return this.#snapshot
  }

  get(name: string): FunctionDeclaration | undefined {
    return this.#map?.get(name)?.declaration
  }

  subscribe(listener: (change: FunctionsChange) => void): () => void {
    const own = (change: FunctionsChange): void => listener(change)
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  #begin(): Promise<void> {
    const signal = this.#abort?.signal
    if (signal === undefined || signal.aborted) return Promise.resolve()
    this.#timer?.cancel()
    this.#running = this.#once(signal).finally(() => {
      this.#running = undefined
      if (!signal.aborted) this.#timer = this.#options.clock.after(this.#nextWait(), () => void this.refresh())
    })
    return this.#running
  }

  async #once(signal: AbortSignal): Promise<void> {
    let error: unknown
    try {
      const { round, failed } = await this.#ask(signal)
      error = failed
      if (round === undefined) return
      const healthy = this.#known.isSuspect(round) && (await this.#options.client.ready(signal))
      if (signal.aborted) return
      this.#take(round, healthy)
    } catch (thrown) {
      error ??= thrown
    } finally {
      if (!signal.aborted) this.#report(error)
    }
  }

  /** `failed` is the error of the first watched list that was not good; no `round`: none was. */
  async #ask(signal: AbortSignal): Promise<{ round: ListRound | undefined; failed: unknown }> {
    const { client, logger } = this.#options
    const said = await client.listNamespaces(signal)
    const namespaces = said.filter(isNamespaceName)
    if (namespaces.length < said.length) {
      const strange = said.filter((name) => !isNamespaceName(name))
      logger.warn('the gateway lists namespaces whose names cannot be called', {
        count: strange.length,
        first: printable(strange[0] ?? '', 80),
      })
      // Without the others this would look like a gateway without namespaces.
      if (namespaces.length === 0) throw new Error('none of the namespaces that the gateway lists has a legal name')
    }
    const lists = new Map<string, readonly ListedFunction[]>()
    let failed: unknown
    await inParallel(namespaces.length === 0 ? [undefined] : namespaces, parallelLists, async (namespace) => {
      try {
        lists.set(namespace ?? '', await client.listFunctions(namespace, signal))
      } catch (error) {
        if (namespace !== undefined && !this.#isWatched(namespace)) return
        failed ??= error
        if (!signal.aborted) logger.debug('a list of functions failed', { namespace, error: describeError(error) })
      }
    })
    return { round: lists.size === 0 && failed !== undefined ? undefined : { namespaces, lists }, failed }
  }

  #take(round: ListRound, healthy: boolean): void {
    const unknown = this.#known.unknown(round).filter((namespace) => namespace === '' || this.#isWatched(namespace))
    // Without a part of the functions their events would be acknowledged as unmatched.
    if (this.#map === undefined && unknown.length > 0) return
    this.#known.apply(round, healthy)
    const before = this.#map
    const map = this.#options.build(this.#known.functions(), before)
    const change = map.diff(before)
    this.#map = map
    this.#snapshot = map.functions.map(({ declaration }) => declaration)
    if (before === undefined || !isEmpty(change)) this.#log(change, map)
    this.#safely('onMap', () => this.#options.onMap?.(map, change))
    if (isEmpty(change)) return
    for (const listener of this.#listeners) this.#safely('a listener of the functions', () => listener(change))
  }

  #report(error: unknown): void {
    const ok = error === undefined
    const { logger, clock } = this.#options
    if (ok && this.#failures > 0) logger.info('the function lists are complete again', { failures: this.#failures })
    this.#failures = ok ? 0 : this.#failures + 1
    if (!ok) {
      const code = isMillraceError(error) ? error.code : undefined
      const effect = this.#map === undefined ? 'nothing is taken in before the first good list' : 'the last good map stays in force'
      logger.warn('the functions could not be listed', { code, error: describeError(error), failures: this.#failures, effect })
    }
    const state = { ok, at: clock.now(), consecutiveFailures: this.#failures }
    this.#safely('onState', () => this.#options.onState?.(ok ? state : { ...state, error }))
  }

  #nextWait(): number {
    const { intervalMs, random } = this.#options
    if (this.#failures === 0) return intervalMs * (0.9 + 0.2 * random())
    const longest = Math.max(intervalMs, maxRetryMs)
    const wait = Math.min(Math.min(retryMs, intervalMs) * 2 ** Math.min(this.#failures - 1, 20), longest)
    return wait * (0.5 + 0.5 * random())
  }

  #log(change: FunctionsChange, map: TopicMap): void {
    const names = (functions: readonly FunctionDeclaration[]): readonly string[] =>
      functions.slice(0, namesInLog).map((item) => item.function)
    this.#options.logger.info('the functions have changed', {
      functions: map.functions.length,
      problems: map.problemCount,
      added: change.added.length,
      changed: change.changed.length,
      removed: change.removed.length,
      addedNames: names(change.added),
      changedNames: names(change.changed.map(({ after }) => after)),
      removedNames: names(change.removed),
    })
  }

  #safely(what: string, run: () => void): void {
    try {
      run()
    } catch (error) {
      this.#options.logger.error('a callback of the discovery threw', { what, error: describeError(error) })
    }
  }
}
