/**
 * Where a connector is. Stable numbers for the gauge: see `lifeCycleNumbers`.
 *
 * - `starting`: ports are being opened
 * - `discovering`: waiting for the first good topic map; nothing is taken in
 * - `running`: events flow, or the source is held up by back-pressure alone
 * - `paused`: something that events need is away: the broker, the gateway, or a place for dead letters; it is tried again for ever
 * - `draining`: intake stopped, in-flight work finishing under the deadline
 * - `stopped`: all is acknowledged or released, nothing is open any more
 */
export type LifeCycleState = 'starting' | 'discovering' | 'running' | 'paused' | 'draining' | 'stopped'

/** Numbers of the states for the gauge `millrace_lifecycle_state`. */
export const lifeCycleNumbers: Readonly<Record<LifeCycleState, number>> = {
  starting: 0,
  discovering: 1,
  running: 2,
  paused: 3,
  draining: 4,
  stopped: 5,
}

/** What must hold for events to flow once the map is there. */
export type Condition = 'source' | 'intake' | 'gateway' | 'configuration' | 'dead-letters'

/** The states of a connector and the conditions that decide between `running` and `paused`. Pure. */
export class LifeCycle {
  readonly #onChange: (state: LifeCycleState, before: LifeCycleState) => void
  readonly #missing = new Map<Condition, string>()
  #state: LifeCycleState = 'starting'

  constructor(onChange: (state: LifeCycleState, before: LifeCycleState) => void) {
    this.#onChange = onChange
  }

  get state(): LifeCycleState {
    return this.#state
  }

  /** One sentence for each thing that keeps it from being ready; empty when ready. */
  get reasons(): readonly string[] {
    if (this.#state === 'running') return []
    if (this.#state === 'paused') return [...this.#missing.values()]
    return [`the connector is ${this.#state}`]
  }

  /** Goes on to another state; `stopped` is final. */
  to(state: Exclude<LifeCycleState, 'paused'>): void {
    if (this.#state === 'stopped' || this.#state === state) return
    this.#set(state === 'running' && this.#missing.size > 0 ? 'paused' : state)
  }

  /** A condition holds again, or does not and this is why. */
  condition(name: Condition, missing: string | undefined): void {
    if (missing === undefined) this.#missing.delete(name)
    else this.#missing.set(name, missing)
    if (this.#state !== 'running' && this.#state !== 'paused') return
    this.#set(this.#missing.size > 0 ? 'paused' : 'running')
  }

  #set(state: LifeCycleState): void {
    const before = this.#state
    this.#state = state
    if (before !== state) this.#onChange(state, before)
  }
}
