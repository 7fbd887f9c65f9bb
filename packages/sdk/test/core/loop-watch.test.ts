import { expect, test } from 'vitest'
import type { Clock } from '../../src/contract/clock.ts'
import { LoopWatch } from '../../src/core/loop-watch.ts'

/** A clock whose timers run only when the "loop" gets its turn, however late that is. */
const blockableClock = (): Clock & { pass(ms: number): void; turn(): void; readonly timers: number } => {
  let now = 0
  let timers: { readonly at: number; readonly run: () => void }[] = []
  return {
    now: () => now,
    monotonic: () => now,
    after: (ms, run) => {
      const timer = { at: now + ms, run }
      timers.push(timer)
      return { cancel: () => void (timers = timers.filter((other) => other !== timer)) }
    },
    pass: (ms) => void (now += ms),
    turn: () => {
      const due = timers.filter((timer) => timer.at <= now)
      timers = timers.filter((timer) => timer.at > now)
      for (const timer of due) timer.run()
    },
    get timers() {
      return timers.length
    },
  }
}

test('T6 a loop blocked for a minute is reported, during the block and after it, then forgotten', () => {
  const clock = blockableClock()
  const watch = new LoopWatch({ clock, everyMs: 1000, limitMs: 20_000, rememberMs: 60_000 })
  watch.start()
  for (let beat = 0; beat < 10; beat += 1) {
    clock.pass(1000)
    clock.turn()
    expect(watch.live).toBe(true)
    expect(watch.lagMs).toBe(0)
  }
  clock.pass(60_000)
  expect(watch.live).toBe(false)
  expect(watch.lagMs).toBe(59_000)
  clock.turn()
  expect(watch.live).toBe(false)
  for (let beat = 0; beat < 60; beat += 1) {
    clock.pass(1000)
    clock.turn()
  }
  expect(watch.live).toBe(false)
  clock.pass(1000)
  clock.turn()
  expect(watch.live).toBe(true)
  watch.stop()
  expect(clock.timers).toBe(0)
})

test('a short delay, and a watch that is not running, are live', () => {
  const clock = blockableClock()
  const watch = new LoopWatch({ clock, everyMs: 1000, limitMs: 20_000 })
  clock.pass(100_000)
  expect(watch.live).toBe(true)
  watch.start()
  clock.pass(20_000)
  clock.turn()
  expect(watch.live).toBe(true)
  expect(watch.lagMs).toBe(19_000)
  watch.stop()
})
