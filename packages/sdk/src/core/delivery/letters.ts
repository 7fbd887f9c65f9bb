import type { DeadLetter } from '../../contract/dead-letter.ts'
import type { DeadLetterReason } from '../../contract/outcome.ts'
import type { EngineOptions } from './engine-options.ts'
import type { Entry } from './ledger.ts'
import type { Route } from './route.ts'

const firstRetryMs = 1_000
const maxRetryMs = 60_000
const hopsHeader = 'millrace-hops'

type Options = Pick<EngineOptions, 'clock' | 'deadLetters' | 'naming' | 'observer' | 'random'>

const hopsOf = (entry: Entry): number => {
  const field = entry.delivery.event.headers.find(([name]) => name.toLowerCase() === hopsHeader)
  const hops = field === undefined ? 0 : Number(typeof field[1] === 'string' ? field[1] : Buffer.from(field[1]).toString('latin1'))
  return Number.isInteger(hops) && hops > 0 && hops < 1_000_000 ? hops : 0
}

/** Writes dead letters: retried and blocking, never best effort. Nothing is settled before the sink says durable. */
export class Letters {
  readonly #options: Options

  constructor(options: Options) {
    this.#options = options
  }

  /** False when there is nowhere to write: what would be a letter waits instead. */
  get available(): boolean {
    return this.#options.deadLetters !== undefined
  }

  compose(entry: Entry, route: Route | undefined, reason: DeadLetterReason, detail: string): DeadLetter {
    const { event, intake } = entry.delivery
    const naming = event.naming ?? this.#options.naming
    return {
      event,
      intake,
      reason,
      detail: detail.slice(0, 1024),
      attempts: route?.attempts ?? 0,
      history: route?.history ?? [],
      diedAt: this.#options.clock.now(),
      hops: hopsOf(entry),
      // Two events of one id may die in the same millisecond, and a replay must not take one letter for the other.
      ...(event.ambiguousId === true && { letterId: Math.floor(this.#options.random() * 2 ** 52).toString(36) }),
      ...(naming !== undefined && { naming }),
      ...(route !== undefined && { function: route.queue.name }),
      ...(route?.firstAttemptAt !== undefined && { firstAttemptAt: route.firstAttemptAt }),
      ...(route?.lastAttemptAt !== undefined && { lastAttemptAt: route.lastAttemptAt }),
    }
  }

  /** Writes until it lies safely or the entry is released; then calls `done` once, with whether the entry is still ours. */
  write(entry: Entry, letter: DeadLetter, done: (ours: boolean) => void, retryMs: number = firstRetryMs): void {
    const sink = this.#options.deadLetters
    if (sink === undefined) return
    const { clock, observer, random } = this.#options
    Promise.resolve()
      .then(() => sink.write(letter))
      .then(
        () => {
          observer.deadLetterWritten?.(letter)
          done(entry.state === 'open')
        },
        (error: unknown) => {
          if (entry.state !== 'open') return done(false)
          const waitMs = Math.round(retryMs * (0.5 + random() / 2))
          observer.deadLetterFailed?.(letter, error, waitMs)
          clock.after(waitMs, () => {
            if (entry.state === 'open') this.write(entry, letter, done, Math.min(retryMs * 2, maxRetryMs))
            else done(false)
          })
        },
      )
  }
}
