import type { CoreConfig, DeadLetter } from '@millrace/sdk'
import { openGateway, startOrFail } from '../gateway-session.ts'
import type { CliIo } from '../io.ts'
import { type LetterEnd, lettersSource, type LettersSource } from './letters-source.ts'
import type { ReplayLog } from './replay-log.ts'

/** How a letter failed again. */
export interface ReplayFailure {
  readonly event: string
  readonly function: string
  readonly reason: string
  readonly status?: number
}

/** What a replay came to. */
export interface ReplayOutcome {
  readonly delivered: number
  readonly failed: number
  /** Given back because their function, or the gateway, still fails; or because of a signal. */
  readonly left: number
  /** The first thousand. */
  readonly failures: readonly ReplayFailure[]
}

/** What `runReplay` takes. */
export interface ReplayJob {
  readonly core: CoreConfig
  readonly letters: AsyncIterable<DeadLetter>
  readonly log: ReplayLog
  readonly concurrency: number
  readonly attempts: number
  readonly ratePerSecond?: number
  readonly io: CliIo
  /** After each letter. */
  onProgress(counts: { readonly delivered: number; readonly failed: number; readonly left: number }): void
  /** One line each, about what happens besides. */
  note(text: string): void
  /** Aborts: what waits is given back, what runs may finish. */
  readonly signal: AbortSignal
}

const maxFailures = 1000

/** A person waits for it: a few tries within a minute, then the letter stays what it is. */
const impatient = (core: CoreConfig, attempts: number): CoreConfig => ({
  ...core,
  retryAttempts: attempts,
  retryMaxAgeMs: 60_000,
  retryNotFoundGraceMs: 10_000,
  retryAfterCapMs: 30_000,
  retryPoisonAfterMs: 0,
})

/** Counts how letters end, and records those that were delivered. */
class Tally {
  delivered = 0
  failed = 0
  left = 0
  readonly failures: ReplayFailure[] = []
  readonly #job: ReplayJob

  constructor(job: ReplayJob) {
    this.#job = job
  }

  async ended(letter: DeadLetter, end: LetterEnd): Promise<void> {
    if (end.kind === 'released') this.left += 1
    else if (end.result.outcome === 'done' || end.result.outcome === 'accepted') {
      await this.#job.log.add(letter)
      this.delivered += 1
    } else this.#fail(letter, end.result)
    this.#job.onProgress(this)
  }

  #fail(letter: DeadLetter, result: Extract<LetterEnd, { kind: 'settled' }>['result']): void {
    this.failed += 1
    const reason = result.reason ?? (result.outcome === 'dropped' ? 'the gateway does not list the function' : result.outcome)
    const { status } = result
    const failure = { event: letter.event.id, function: letter.function ?? '', reason, ...(status !== undefined && { status }) }
    if (this.failures.length < maxFailures) this.failures.push(failure)
  }
}

/** A function or a gateway that fails all the time ends its part of the replay, instead of failing letter by letter. */
const stopWhatFails = (
  connector: Awaited<ReturnType<typeof openGateway>>['connector'],
  source: LettersSource,
  note: ReplayJob['note'],
): void => {
  // Later: the delivery core is in the middle of something when it tells.
  const stop = (name: string | undefined): void => void setImmediate(() => source.stop(name))
  const stopped = new Set<string>()
  const stopOnce = (name: string, why: string): void => {
    if (stopped.has(name)) return
    stopped.add(name)
    note(`${name} fails: the rest of its letters is left for another time (${why})`)
    stop(name)
  }
  connector.on('breaker:changed', ({ scope, state, why }) => {
    if (state !== 'open') return
    if (scope === 'gateway') {
      note(`the gateway cannot be used: ${why}`)
      stop(undefined)
    } else stopOnce(scope.function, why)
  })
  connector.on('attempt:finished', ({ function: name, outcome }) => {
    if (outcome.kind === 'hold') stopOnce(name, 'its policy is to hold what fails')
  })
}

/**
 * Delivers letters again, each to the function that failed and to no other, with the event's id and headers.
 *
 * @throws MillraceError when the gateway cannot be reached, the letters cannot be read, or the log cannot be written
 */
export const runReplay = async (job: ReplayJob): Promise<ReplayOutcome> => {
  const tally = new Tally(job)
  const { letters, concurrency, ratePerSecond, signal } = job
  const source = lettersSource({
    letters,
    concurrency,
    ended: (letter, end) => tally.ended(letter, end),
    ...(ratePerSecond !== undefined && { ratePerSecond }),
  })
  const session = await openGateway(impatient(job.core, job.attempts), source, job.io)
  const onAbort = (): void => source.stop()
  signal.addEventListener('abort', onAbort)
  try {
    stopWhatFails(session.connector, source, (text) => job.note(text))
    await startOrFail(session, job.core.gatewayUrl)
    await source.finished
  } finally {
    signal.removeEventListener('abort', onAbort)
    await session.host.stop()
  }
  const { delivered, failed, left, failures } = tally
  return { delivered, failed, left, failures }
}
