import { createHook } from 'node:async_hooks'

/** A timer that runs and keeps the process alive. */
export interface RunningTimer {
  /** The line that started it, as in a stack: `file:line:column`. */
  readonly startedAt: string
}

/** Follows the timers that are started from now on. */
export interface TimerTracker {
  running(): readonly RunningTimer[]
  reset(): void
  dispose(): void
}

/** A runner's own clocks (test and hook timeouts) come and go around the test. */
const isRunners = (frame: string): boolean => /[\\/]node_modules[\\/](?:@vitest|vitest)[\\/]/.test(frame)

const callerOf = (stack: string): string => {
  const frames = stack.split('\n').slice(1)
  const outside = frames.find((frame) => !/\bnode:|track-timers\.[jt]s/.test(frame)) ?? ''
  return outside.replace(/^\s*at (?:.*\()?/, '').replace(/\)$/, '')
}

/**
 * Timers one by one. Their number alone would not do: a timer of the test runner that ends meanwhile would hide one that is left.
 */
export const trackTimers = (): TimerTracker => {
  const timers = new Map<number, { readonly timer: NodeJS.Timeout; readonly startedAt: string }>()
  const hook = createHook({
    // Promises are of no interest here, and following them is dear.
    trackPromises: false,
    init(id: number, type: string, _trigger: number, resource: object): void {
      if (type !== 'Timeout') return
      const startedAt = callerOf(new Error('timer').stack ?? '')
      if (!isRunners(startedAt)) timers.set(id, { timer: resource as NodeJS.Timeout, startedAt })
    },
    destroy: (id: number): void => void timers.delete(id),
  }).enable()
  return {
    running: () => [...timers.values()].flatMap(({ timer, startedAt }) => (timer.hasRef() ? [{ startedAt }] : [])),
    reset: () => timers.clear(),
    dispose: () => void hook.disable(),
  }
}
