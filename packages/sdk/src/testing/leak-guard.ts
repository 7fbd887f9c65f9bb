import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { trackLeaks } from './track-leaks.ts'
import type { Leak, LeakTracker } from './track-leaks.ts'

/** @see leakGuard */
export interface LeakGuardOptions {
  /** `test`: each test must clean up after itself. `file`: the file as a whole, for what `beforeAll` starts and `afterAll` stops. @default 'test' */
  readonly scope?: 'test' | 'file'
  /** How long things that are closing may take, in milliseconds of real time. Costs nothing when nothing is left. @default 500 */
  readonly settleMs?: number
  /** Kinds to overlook, by Node's names. @default none */
  readonly ignore?: readonly string[]
}

/** What `leakGuard` throws: one line a kind. */
export const leakReport = (leaks: readonly Leak[], settleMs: number): string =>
  `Left behind, ${settleMs} ms after the end:\n${leaks.map((leak) => `  - ${leak.description}`).join('\n')}\nStop what the test starts, by handle or pid.`

const check = async (tracker: LeakTracker, settleMs: number): Promise<void> => {
  const leaks = await tracker.settle(settleMs)
  if (leaks.length > 0) throw new Error(leakReport(leaks, settleMs))
}

/**
 * Fails a vitest test that leaves timers, sockets, servers, child processes, watchers or worker threads running.
 * Call it once, at the top of a test file or of a `describe`, before other hooks: `afterEach` hooks run in the reverse
 * order, so that it looks last.
 *
 * @example
 * leakGuard()
 * it('closes its server', async () => { ... })
 */
export const leakGuard = (options: LeakGuardOptions = {}): void => {
  const { scope = 'test', settleMs = 500, ignore = [] } = options
  let tracker: LeakTracker | undefined
  const start = (): void => {
    tracker = trackLeaks({ ignore })
  }
  const end = async (): Promise<void> => {
    try {
      if (tracker !== undefined) await check(tracker, settleMs)
    } finally {
      tracker?.dispose()
      tracker = undefined
    }
  }
  if (scope === 'test') {
    beforeEach(start)
    afterEach(end)
  } else {
    beforeAll(start)
    afterAll(end)
  }
}
