import type { SourceContext } from '../../contract/source.ts'
import type { Timer } from '../../contract/clock.ts'
import { openSession } from './open-session.ts'
import type { OpenSession } from './open-session.ts'

/** @see pollingSession */
export interface PollingOptions {
  /** The one intake. */
  readonly intake: string
  /** Wait after a poll that said there is no more. */
  readonly everyMs: number
  /**
   * Asks once and delivers what there is; resolves true if there may be more, which is then asked for at once. A rejection loses
   * the session, and the runtime connects again with back-off. Check `session.paused(intake)` between deliveries of a long answer.
   */
  poll(session: OpenSession, signal: AbortSignal): Promise<boolean | void>
  /** The last things to do, after the last poll. */
  leave?(): void | Promise<void>
}

/** A session for what must be asked: one poll at a time, none while paused, the running one aborted and awaited on `close()`. */
export const pollingSession = (context: Pick<SourceContext, 'clock'>, options: PollingOptions): OpenSession => {
  const abort = new AbortController()
  let timer: Timer | undefined
  let running: Promise<void> | undefined

  const schedule = (ms: number): void => {
    timer?.cancel()
    timer = undefined
    if (running === undefined && !session.ended && !session.paused(options.intake)) {
      timer = context.clock.after(ms, () => {
        timer = undefined
        running = pollOnce()
      })
    }
  }
  const pollOnce = async (): Promise<void> => {
    let more: boolean | void = false
    try {
      more = await options.poll(session, abort.signal)
    } catch (error) {
      session.lose(error instanceof Error ? error : new Error(String(error)))
    } finally {
      running = undefined
      schedule(more === true ? 0 : options.everyMs)
    }
  }
  const session = openSession({
    pause: () => void (session.paused(options.intake) && timer?.cancel()),
    resume: () => schedule(0),
    async leave(lost) {
      timer?.cancel()
      abort.abort()
      // A loss comes out of the poll itself, which must not wait for its own end.
      if (lost === undefined) await running
      await options.leave?.()
    },
  })
  schedule(0)
  return session
}
