/** What a run took, from the start of the first call to the end of the last one. */
export interface Took {
  readonly seconds: number
  /** CPU of this process alone, per record. */
  readonly cpuMicros: number
}

/** Measures from the first `start()` to the `count`th `end()`. */
export class Stopwatch {
  readonly #count: number
  readonly #all = Promise.withResolvers<Took>()
  #startedAt: number | undefined
  #cpu: NodeJS.CpuUsage | undefined
  #ended = 0

  constructor(count: number) {
    this.#count = count
  }

  get took(): Promise<Took> {
    return this.#all.promise
  }

  start(): void {
    if (this.#startedAt !== undefined) return
    this.#startedAt = performance.now()
    this.#cpu = process.cpuUsage()
  }

  end(records = 1): void {
    this.#ended += records
    if (this.#ended < this.#count || this.#startedAt === undefined) return
    const { user, system } = process.cpuUsage(this.#cpu)
    this.#all.resolve({ seconds: (performance.now() - this.#startedAt) / 1000, cpuMicros: (user + system) / this.#count })
  }
}
