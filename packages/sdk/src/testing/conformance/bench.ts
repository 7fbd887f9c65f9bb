import { memoryState } from '../../ports/state/memory-store.ts'
import { systemClock } from '../../ports/system-clock.ts'
import type { StateStore } from '../../contract/state-store.ts'
import type { ConformanceCase, PlannedEvent, SourceHarness } from './harness.ts'
import { Probe } from './probe.ts'
import { expectSame, waitingFor } from './waiting.ts'
import type { Waiting } from './waiting.ts'

const encoder = new TextEncoder()
let cases = 0

/** What one case works with. */
export class Bench {
  readonly harness: SourceHarness
  readonly waiting: Waiting
  /** Survives a kill, as the connector's state directory does. */
  readonly #state: StateStore
  readonly #probes: Probe[] = []
  readonly #number = ++cases
  #published = 0

  constructor(harness: SourceHarness, state: StateStore) {
    this.harness = harness
    this.waiting = waitingFor(harness)
    this.#state = state
  }

  get spool(): boolean {
    return this.harness.replay === 'spool'
  }

  get backlog(): boolean {
    return this.harness.backlog ?? !this.spool
  }

  /** A new process, not yet connected. */
  async create(): Promise<Probe> {
    const source = await this.waiting.within('create()', () => this.harness.create())
    expectSame(source.replay, this.harness.replay ?? 'broker', "the harness's replay is the source's")
    const probe = new Probe(source, this.harness, this.waiting, this.#state)
    this.#probes.push(probe)
    return probe
  }

  /** A new process, connected. */
  async start(): Promise<Probe> {
    const probe = await this.create()
    await probe.connect()
    return probe
  }

  /** A new process with `count` deliveries in hand, in the order of publishing. */
  async startWith(count: number): Promise<Probe> {
    const probe = await this.start()
    await this.publish(count)
    await probe.arrived(count)
    return probe
  }

  plan(count: number, intake: number = 0, unreadable: boolean = false): readonly PlannedEvent[] {
    return Array.from({ length: count }, () => {
      const text = `c${this.#number}-e${++this.#published}`
      return { text, data: encoder.encode(text), intake, unreadable }
    })
  }

  async send(events: readonly PlannedEvent[]): Promise<readonly boolean[]> {
    const answers = await this.waiting.within('publish()', () => this.harness.publish(events))
    return answers ?? []
  }

  /** Publishes, and returns the texts. */
  async publish(count: number, intake: number = 0): Promise<readonly string[]> {
    const events = this.plan(count, intake)
    await this.send(events)
    return events.map((event) => event.text)
  }

  async position(): Promise<number | undefined> {
    return this.harness.position?.()
  }

  /** Waits until the position is `count`, and sees that it stays there. Nothing without a position to ask for. */
  async positionSettles(count: number, why: string): Promise<void> {
    if (!this.harness.position) return this.waiting.quiet()
    let last: number | undefined
    await this.waiting.until(
      () => `${why}: the position is ${count}; it is ${last}`,
      async () => (last = await this.position()) === count,
    )
    await this.positionStays(count, why)
  }

  async positionStays(count: number, why: string): Promise<void> {
    await this.waiting.quiet()
    if (this.harness.position) expectSame(await this.position(), count, why)
  }

  /** In order if the source keeps one; else the same events. */
  expectTexts(actual: readonly string[], expected: readonly string[], what: string): void {
    if (this.harness.ordered === false) expectSame(actual.toSorted(), expected.toSorted(), what)
    else expectSame(actual, expected, what)
  }

  async dispose(): Promise<void> {
    for (const probe of this.#probes) await probe.discard()
  }
}

/** A case before it meets a harness. */
export interface CaseDefinition {
  readonly name: string
  /** Why the case does not apply; nothing: it does. */
  skip?(harness: SourceHarness): string | undefined
  run(bench: Bench): Promise<void>
}

type Need = 'broker' | 'spool' | 'intakes' | 'kill' | 'disconnect' | 'restart' | 'revoke' | 'position' | 'durable' | 'unreadable' | 'defer'

const has = (harness: SourceHarness, need: Need): boolean => {
  if (need === 'broker' || need === 'spool') return (harness.replay ?? 'broker') === need
  if (need === 'intakes') return (harness.intakes ?? 1) >= 2
  if (need === 'kill') return harness.kill !== undefined || harness.disconnect !== undefined
  return Boolean(harness[need])
}

/** The first reason to skip, for `CaseDefinition.skip`. */
export const needs =
  (...wanted: readonly Need[]) =>
  (harness: SourceHarness): string | undefined => {
    const missing = wanted.find((need) => !has(harness, need))
    if (missing === undefined) return undefined
    return missing === 'broker' || missing === 'spool' ? `only for replay: '${missing}'` : `the harness has no ${missing}`
  }

/** Runs one case with set-up and tear-down; what fails first is thrown. */
const runCase = async (definition: CaseDefinition, harness: SourceHarness): Promise<void> => {
  const state = memoryState({ clock: harness.clock ?? systemClock })
  const bench = new Bench(harness, state)
  const errors: unknown[] = []
  const attempt = async (step: () => Promise<void> | void): Promise<void> => {
    try {
      await step()
    } catch (error) {
      errors.push(error)
    }
  }
  await attempt(async () => {
    await harness.setup?.()
    await definition.run(bench)
  })
  await attempt(() => bench.dispose())
  await attempt(() => harness.teardown?.())
  await attempt(() => state.close())
  if (errors.length > 0) throw errors[0]
}

/** Joins definitions with a harness. */
export const bindCases = (definitions: readonly CaseDefinition[], harness: SourceHarness): ConformanceCase[] =>
  definitions.map((definition) => {
    const skip = definition.skip?.(harness)
    return {
      name: definition.name,
      ...(skip !== undefined && { skip }),
      run: async () => {
        if (skip === undefined) await runCase(definition, harness)
      },
    }
  })
