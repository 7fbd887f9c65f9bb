import type { Session } from '../../contract/source.ts'

/** What a source does when its session changes. All optional. */
export interface SessionHooks {
  /** `pause` was called and changed something. Absent intake: all. */
  pause?(intake: string | undefined): void
  /** `resume` was called and changed something. Ask `paused(intake)` before emitting: another pause may still hold. */
  resume?(intake: string | undefined): void
  /**
   * The session ends: last commit, stop timers, free the connection. Called once. `lost` is the reason when the broker
   * is gone; what is thrown then is ignored, else it comes out of `close()`.
   */
  leave?(lost: Error | undefined): void | Promise<void>
}

/** A session with what its source needs to know of it. */
export interface OpenSession extends Session {
  /** Closed or lost: emit nothing more, ignore late acknowledgements. */
  readonly ended: boolean
  /** Paused by its name or with all. */
  paused(intake: string): boolean
  /** The broker is gone: `closed` resolves with `reason`. Without effect once ended. */
  lose(reason: Error): void
}

/** Who is paused: all, and single intakes, apart from each other. */
const pauses = (): { set(intake: string | undefined, on: boolean): boolean; has(intake: string): boolean } => {
  const named = new Set<string>()
  let all = false
  return {
    set(intake, on) {
      if (intake === undefined) {
        const changed = all !== on
        all = on
        return changed
      }
      if (!on) return named.delete(intake)
      return !named.has(intake) && named.add(intake).has(intake)
    },
    has: (intake) => all || named.has(intake),
  }
}

/**
 * The part of a session that is the same in every source: `closed` resolves once, pauses of all and of single intakes are
 * kept apart, `leave` runs once.
 *
 * @example
 * const session = openSession({ leave: () => client.end() })
 * client.on('error', (error) => session.lose(error))
 * return session
 */
export const openSession = (hooks: SessionHooks = {}): OpenSession => {
  const { promise: closed, resolve } = Promise.withResolvers<Error | undefined>()
  const paused = pauses()
  let ended = false
  let left: Promise<void> | undefined
  // In a promise from the start, so that a hook that throws at once rejects.
  const leave = (lost: Error | undefined): Promise<void> => (left ??= (async () => hooks.leave?.(lost))())
  return {
    closed,
    get ended() {
      return ended
    },
    paused: (intake) => paused.has(intake),
    pause(intake) {
      if (paused.set(intake, true)) hooks.pause?.(intake)
    },
    resume(intake) {
      if (paused.set(intake, false)) hooks.resume?.(intake)
    },
    async close() {
      const lost = ended
      ended = true
      try {
        await leave(undefined)
      } catch (error) {
        if (!lost) throw error
      } finally {
        resolve(undefined)
      }
    },
    lose(reason) {
      if (ended) return
      ended = true
      leave(reason).catch(() => {})
      resolve(reason)
    },
  }
}
