import { setImmediate as nextImmediate } from 'node:timers/promises'
import { inspect } from 'node:util'
import type { SourceHarness } from './harness.ts'

/** The source did not do what the contract says. */
export class ConformanceError extends Error {
  override readonly name: string = 'ConformanceError'
}

/** Throws a `ConformanceError` unless `condition` holds. */
export function expectThat(condition: boolean, what: string): asserts condition {
  if (!condition) throw new ConformanceError(what)
}

/** Compares by what a person would see. */
export const expectSame = (actual: unknown, expected: unknown, what: string): void => {
  const [is, should] = [actual, expected].map((value) => inspect(value, { depth: 6, maxArrayLength: 20 }))
  expectThat(is === should, `${what}: expected ${should}, got ${is}`)
}

/** Waiting, bounded by the harness's times. */
export interface Waiting {
  /** Until `holds`; fails after `timeoutMs` with `what`. */
  until(what: string | (() => string), holds: () => boolean | Promise<boolean>): Promise<void>
  /** For `quietMs`, in which nothing should happen. */
  quiet(): Promise<void>
  /** `call`, which must come to an end within `timeoutMs`. */
  within<T>(what: string, call: () => T | Promise<T>): Promise<T>
}

const stepMs = 2

/** Real time, except that a harness with its own clock is moved along. */
export const waitingFor = (harness: SourceHarness): Waiting => {
  const timeoutMs = harness.timeoutMs ?? 5000
  const step = async (): Promise<void> => {
    await nextImmediate()
    if (harness.tick) await harness.tick(stepMs)
    else await new Promise<void>((resolve) => void setTimeout(resolve, stepMs))
  }
  const until: Waiting['until'] = async (what, holds) => {
    const deadline = performance.now() + timeoutMs
    while (!(await holds())) {
      if (performance.now() > deadline)
        throw new ConformanceError(`not within ${timeoutMs} ms: ${typeof what === 'string' ? what : what()}`)
      await step()
    }
  }
  return {
    until,
    async quiet() {
      const quietMs = harness.quietMs ?? 20
      const end = performance.now() + quietMs
      for (let passed = 0; harness.tick ? passed < quietMs : performance.now() < end; passed += stepMs) await step()
    },
    async within<T>(what: string, call: () => T | Promise<T>): Promise<T> {
      const outcome: { value?: T; error?: unknown; state: 'pending' | 'resolved' | 'rejected' } = { state: 'pending' }
      const run = async (): Promise<void> => {
        try {
          outcome.value = await call()
          outcome.state = 'resolved'
        } catch (error) {
          outcome.error = error
          outcome.state = 'rejected'
        }
      }
      void run()
      await nextImmediate()
      await until(`${what} comes to an end`, () => outcome.state !== 'pending')
      if (outcome.state === 'rejected') throw outcome.error
      return outcome.value as T
    },
  }
}
