import type { Clock, StateStore } from '@millrace/sdk'
import { TimeSlice } from '../time-slice.ts'

/** Who asked for a put; told once. */
export interface PutOwner {
  /** It is durable, or `undefined`: somebody else had written. */
  written(version: number | undefined): void
  /** Nothing is known of it. */
  failed(error: unknown): void
}

/** One put that is not under way yet. */
interface WaitingPut {
  readonly key: string
  readonly value: string
  readonly expected: number | 'absent'
  readonly owner: PutOwner
}

export interface PutBatchOptions {
  readonly clock: Pick<Clock, 'monotonic'>
  /** Lets I/O have its turn. */
  readonly defer: (run: () => void) => void
}

/**
 * Gathers the puts of one turn of the event loop into one call of the store, and tells those who asked in parts, so that
 * sockets are served in between: ten thousand schedules may be due at one second.
 */
export class PutBatch {
  readonly #store: StateStore
  readonly #options: PutBatchOptions
  #waiting: WaitingPut[] = []

  constructor(store: StateStore, options: PutBatchOptions) {
    this.#store = store
    this.#options = options
  }

  put(key: string, value: string, expected: number | 'absent', owner: PutOwner): void {
    if (this.#waiting.push({ key, value, expected, owner }) === 1) this.#options.defer(() => this.flush())
  }

  /** Does not wait for the rest of the turn. */
  flush(): void {
    const puts = this.#waiting
    if (puts.length === 0) return
    this.#waiting = []
    if (this.#store.putMany === undefined) {
      for (const put of puts) this.#putOne(put)
      return
    }
    this.#store.putMany(puts).then(
      (versions) => this.#tell(puts, versions, 0),
      (error: unknown) => {
        for (const { owner } of puts) owner.failed(error)
      },
    )
  }

  #putOne({ key, value, expected, owner }: WaitingPut): void {
    this.#store.put(key, Buffer.from(value), expected).then(
      (version) => owner.written(version),
      (error: unknown) => owner.failed(error),
    )
  }

  #tell(puts: readonly WaitingPut[], versions: readonly (number | undefined)[], from: number): void {
    const slice = new TimeSlice(this.#options.clock)
    for (let index = from; index < puts.length; index += 1) {
      puts[index]?.owner.written(versions[index])
      if (!slice.over) continue
      this.#options.defer(() => this.#tell(puts, versions, index + 1))
      return
    }
  }
}
