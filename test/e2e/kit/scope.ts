import { leakGuard } from '@millrace/sdk/testing'
import { afterEach } from 'vitest'
import { scratchFolder } from '../../processes/reaper.ts'

// The reaper is a process that outlives every test of the file on purpose: it is started before leaks are looked for.
scratchFolder('e2e').remove()

const cleanups: (() => void | Promise<unknown>)[] = []

/** Runs when the test ends, the last one first, before leaks are looked for. */
export const atEnd = (run: () => void | Promise<unknown>): void => void cleanups.push(run)

/** Call it at the top of a file: what `atEnd` was told is run after each test, and nothing may be left behind. */
export const guardTests = (): void => {
  leakGuard({ settleMs: 3000 })
  afterEach(async () => {
    const failures: unknown[] = []
    for (const run of cleanups.splice(0).toReversed()) {
      try {
        await run()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'the test was not cleaned up')
  })
}

/** A folder that is removed when the test ends. */
export const tempFolder = (): string => {
  const folder = scratchFolder('e2e')
  atEnd(() => folder.remove())
  return folder.path
}

export const pauseFor = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Asks again until it holds; for what happens in another process. Gives what was seen; rejects with `what` and what was seen last. */
export const until = async <T>(what: string, look: () => T | Promise<T>, holds: (seen: T) => boolean, withinMs = 15_000): Promise<T> => {
  const end = performance.now() + withinMs
  for (;;) {
    const seen = await look()
    if (holds(seen)) return seen
    if (performance.now() > end) {
      throw new Error(`still not so after ${withinMs} ms: ${what}; last seen: ${JSON.stringify(seen)?.slice(0, 2000)}`)
    }
    await pauseFor(20)
  }
}
