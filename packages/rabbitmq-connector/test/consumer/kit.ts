import { memoryState, MillraceError, noMetrics, silentLogger } from '@millrace/sdk'
import type {
  AnnotationProblem,
  Clock,
  Delivery,
  FunctionDeclaration,
  FunctionsChange,
  ReleaseReason,
  RouteResult,
  Session,
  Settled,
  SourceContext,
  StateStore,
} from '@millrace/sdk'
import { manualClock } from '@millrace/sdk/testing'
import type { ManualClock } from '@millrace/sdk/testing'
import type { RabbitmqSource, RabbitmqSourceOptions } from '../../src/source.ts'
import { MemoryBroker } from '../memory/broker.ts'
import { memorySource } from '../memory/kit.ts'

export const declared = (
  name: string,
  topics: readonly string[],
  annotations: Readonly<Record<string, string>> = {},
): FunctionDeclaration => ({
  function: name,
  name,
  topics,
  annotations: new Map([
    ['topic', topics.join(',')],
    ...Object.entries(annotations).map(([key, value]) => [`com.openfaas.connector.${key}`, value] as const),
  ]),
  revision: JSON.stringify(annotations),
})

interface Hand {
  readonly delivery: Delivery
  readonly text: string
  left: 'acked' | ReleaseReason | undefined
}

/** The runtime around one source, played by a test on a clock that the test moves. */
export class Player {
  readonly source: RabbitmqSource
  readonly clock: ManualClock
  readonly seen: Hand[] = []
  readonly problems: AnnotationProblem[] = []
  readonly revoked: string[] = []
  readonly draining = new AbortController()
  session: Session | undefined
  lost: Error | undefined
  /** What the source has said last of its readiness. */
  notReady: Error | undefined
  /** What was logged as a warning, by code. */
  readonly warned: string[] = []
  /** Called for each delivery, in the same breath. */
  onEmit: (hand: Hand) => void = () => {}
  readonly #context: SourceContext
  readonly #stop = new AbortController()
  readonly #listeners = new Set<(change: FunctionsChange) => void>()
  #functions: readonly FunctionDeclaration[]

  constructor(
    broker: MemoryBroker,
    functions: readonly FunctionDeclaration[],
    options: Partial<RabbitmqSourceOptions> & { readonly clock?: ManualClock; readonly state?: (clock: Clock) => StateStore } = {},
  ) {
    this.clock = options.clock ?? manualClock()
    this.#functions = functions
    this.source = memorySource(broker, { topology: { declareTopics: true }, ...options })
    this.#context = {
      functions: {
        snapshot: () => this.#functions,
        get: (name) => this.#functions.find((each) => each.function === name),
        subscribe: (listener) => {
          this.#listeners.add(listener)
          return () => void this.#listeners.delete(listener)
        },
      },
      emit: (delivery) => this.#emit(delivery),
      accept: () => Promise.reject(new Error('no spool')),
      revoke: async (intakes) => this.#release(intakes, 'revoked'),
      reportProblems: (problems) => void this.problems.splice(0, Infinity, ...problems),
      notReady: (reason) => (this.notReady = reason),
      state: options.state?.(this.clock) ?? memoryState({ clock: this.clock }),
      metrics: noMetrics,
      clock: this.clock,
      draining: this.draining.signal,
      signal: this.#stop.signal,
      logger: { ...silentLogger, warn: (_, fields) => void this.warned.push(String(fields?.['code'])) },
    }
  }

  get texts(): readonly string[] {
    return this.seen.map(({ text }) => text)
  }

  get inHand(): readonly Hand[] {
    return this.seen.filter(({ left }) => left === undefined)
  }

  /** What a queue's consumer is doing. */
  state(queue: string): string | undefined {
    return this.source.consumers().find((consumer) => consumer.queue === queue)?.state
  }

  async connect(): Promise<void> {
    this.lost = undefined
    const session = await this.source.connect(this.#context)
    this.session = session
    void session.closed.then((reason) => {
      if (reason === undefined) return
      this.lost = reason
      this.#release('all', 'lost')
    })
    await turns()
  }

  async ack(hand: Hand | undefined, outcome: Settled = 'done', name: string = 'f'): Promise<void> {
    const reply = { status: 200, headers: {}, body: new TextEncoder().encode(`re: ${hand?.text}`), truncated: false }
    await this.settle(hand, [{ target: { function: name, attempts: 1 }, outcome, status: 200, ...(outcome === 'done' && { reply }) }])
  }

  async settle(hand: Hand | undefined, results: readonly RouteResult[]): Promise<void> {
    if (hand === undefined) throw new Error('nothing is in hand')
    hand.left = 'acked'
    await hand.delivery.ack({ results })
    await turns()
  }

  async ackAll(): Promise<void> {
    for (const hand of this.inHand) await this.ack(hand)
  }

  async setFunctions(functions: readonly FunctionDeclaration[]): Promise<void> {
    this.#functions = functions
    for (const listener of this.#listeners) listener({ added: functions, changed: [], removed: [] })
    await this.clock.advanceAsync(10)
    await turns()
  }

  /** As the runtime stops: what is in hand is released first. */
  async stop(): Promise<void> {
    this.draining.abort()
    this.session?.pause()
    this.#stop.abort()
    this.#release('all', 'drain')
    await this.session?.close()
    await this.source.dispose?.()
  }

  /** As `stop`, where the broker does not answer: the time that it is waited for goes by. */
  async stopUnanswered(): Promise<void> {
    const stopping = this.stop()
    await turns()
    await this.clock.advanceAsync(60_000)
    await stopping
  }

  #emit(delivery: Delivery): void {
    const hand: Hand = { delivery, text: new TextDecoder().decode(delivery.event.data), left: undefined }
    this.seen.push(hand)
    this.onEmit(hand)
  }

  #release(intakes: readonly string[] | 'all', reason: ReleaseReason): void {
    for (const hand of this.inHand) {
      if (intakes !== 'all' && !intakes.includes(hand.delivery.intake)) continue
      hand.left = reason
      hand.delivery.release(reason)
    }
    if (reason === 'revoked' && intakes !== 'all') this.revoked.push(...intakes)
  }
}

/** Turns of the event loop: the broker in memory answers in them. */
export const turns = async (count: number = 60): Promise<void> => {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

/** A broker, and the runtimes of one test around sources of it. */
export class Stage {
  readonly broker: MemoryBroker
  readonly #players: Player[] = []

  constructor(broker: MemoryBroker = new MemoryBroker()) {
    this.broker = broker
  }

  /** Connected. */
  async play(...args: ConstructorParameters<typeof Player> extends [unknown, ...infer Rest] ? Rest : never): Promise<Player> {
    const player = this.add(new Player(this.broker, ...args))
    await player.connect()
    return player
  }

  /** One that the test connects itself. */
  add(player: Player): Player {
    this.#players.push(player)
    return player
  }

  /** @param how `stopUnanswered`: the broker may owe answers */
  async clear(how: 'stop' | 'stopUnanswered' = 'stop'): Promise<void> {
    for (const player of this.#players) await player[how]()
    this.broker.close()
  }
}

/** What the broker says to a user without the right. */
export const denied = (): MillraceError => new MillraceError('E_RABBITMQ_DENIED', { user: 'u', vhost: '/', reason: '403 ACCESS_REFUSED' })
