import { deliver, openSession } from '@millrace/sdk'
import type { Clock, DeadLetter, ReleaseReason, RouteResult, Session, Source, SourceContext } from '@millrace/sdk'

/** How a letter ended. */
export type LetterEnd =
  | { readonly kind: 'settled'; readonly result: RouteResult }
  | { readonly kind: 'released'; readonly reason: ReleaseReason | 'stopped' }

/** What `lettersSource` takes. */
export interface LettersSourceOptions {
  /** Each has a function. */
  readonly letters: AsyncIterable<DeadLetter>
  /** Letters under way at once. */
  readonly concurrency: number
  /** Letters begun per second; absent: no limit. */
  readonly ratePerSecond?: number
  /** Called once for each letter; the letter counts as acknowledged when it resolves. */
  ended(letter: DeadLetter, end: LetterEnd): Promise<void>
}

/** Dead letters as events: each is bound for the one function that failed. */
export interface LettersSource extends Source {
  /** Resolves when every letter has ended; rejects when they cannot be read or `ended` fails. */
  readonly finished: Promise<void>
  /** Gives back what waits for this function (absent: for all) and begins nothing more for it. What is running may finish. */
  stop(functionName?: string): void
}

const drainMs = 10_000

class ReplaySource implements LettersSource {
  readonly name = 'replay'
  readonly replay = 'broker'
  readonly order = 'none'
  /** For letters that do not say how their source named headers. */
  readonly headerPrefix = ''
  /** Nothing is written: what fails again is still the letter that it was. */
  readonly deadLetters = { name: 'the letters themselves', write: (): Promise<void> => Promise.resolve() }
  readonly #options: LettersSourceOptions
  readonly #done = Promise.withResolvers<void>()
  readonly #stopped = new Set<string>()
  readonly #free: (() => void)[] = []
  #running = 0
  readonly #halt = new AbortController()
  #begun = false
  #context: SourceContext | undefined

  constructor(options: LettersSourceOptions) {
    this.#options = options
    this.#done.promise.catch(() => undefined)
  }

  get finished(): Promise<void> {
    return this.#done.promise
  }

  connect(context: SourceContext): Promise<Session> {
    this.#context = context
    context.signal.addEventListener('abort', () => this.#halt.abort(), { once: true })
    if (!this.#begun) {
      this.#begun = true
      this.#run(context).then(
        () => this.#done.resolve(),
        (error: unknown) => this.#done.reject(error as Error),
      )
    }
    return Promise.resolve(openSession())
  }

  stop(functionName?: string): void {
    if (functionName === undefined) this.#halt.abort()
    else this.#stopped.add(functionName)
    void this.#context?.revoke(functionName === undefined ? 'all' : [functionName], drainMs)
  }

  async #run(context: SourceContext): Promise<void> {
    const { letters, concurrency, ratePerSecond } = this.#options
    let next = context.clock.monotonic()
    for await (const letter of letters) {
      if (!this.#isStopped(letter)) {
        if (ratePerSecond !== undefined) {
          await sleepUntil(context.clock, next, this.#halt.signal)
          next = Math.max(next, context.clock.monotonic()) + 1000 / ratePerSecond
        }
        while (this.#running >= concurrency) await new Promise<void>((resolve) => this.#free.push(resolve))
      }
      // It may have been stopped while this letter waited for its turn.
      if (this.#isStopped(letter)) await this.#options.ended(letter, { kind: 'released', reason: 'stopped' })
      else this.#begin(context, letter)
    }
    while (this.#running > 0) await new Promise<void>((resolve) => this.#free.push(resolve))
  }

  #isStopped(letter: DeadLetter): boolean {
    return this.#halt.signal.aborted || this.#stopped.has(letter.function ?? '')
  }

  #begin(context: SourceContext, letter: DeadLetter): void {
    const name = letter.function ?? ''
    this.#running += 1
    deliver(context, {
      event: letter.naming === undefined ? letter.event : { ...letter.event, naming: letter.naming },
      // A function is an intake, so that one that still fails can be stopped by itself.
      intake: name,
      targets: [{ function: name, attempts: 0 }],
      ack: ({ results }) => {
        const [result] = results
        return this.#end(letter, result === undefined ? { kind: 'released', reason: 'lost' } : { kind: 'settled', result })
      },
      release: (reason) => void this.#end(letter, { kind: 'released', reason }),
    })
  }

  async #end(letter: DeadLetter, end: LetterEnd): Promise<void> {
    try {
      await this.#options.ended(letter, end)
    } catch (error) {
      this.#halt.abort()
      this.#done.reject(error)
    } finally {
      this.#running -= 1
      for (const resolve of this.#free.splice(0)) resolve()
    }
  }
}

const sleepUntil = (clock: Clock, at: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const ms = at - clock.monotonic()
    if (ms <= 0 || signal.aborted) return resolve()
    const timer = clock.after(ms, () => {
      signal.removeEventListener('abort', stop)
      resolve()
    })
    const stop = (): void => {
      timer.cancel()
      resolve()
    }
    signal.addEventListener('abort', stop, { once: true })
  })

/** Makes the source of a replay. */
export const lettersSource = (options: LettersSourceOptions): LettersSource => new ReplaySource(options)
