import { setImmediate as nextImmediate } from 'node:timers/promises'
import type { Clock, Timer } from '../contract/clock.ts'
import { MillraceError } from '../core/errors.ts'

/** A clock that stands still until a test moves it. */
export interface ManualClock extends Clock {
  /**
   * Moves both clocks by `ms` and runs every timer that falls due, in the order of due time, then of creation. While a
   * timer runs, the time is its own moment; timers that it starts run too if they fall due. What a timer throws comes out here.
   *
   * @throws MillraceError `E_INTERNAL_STATE` for a negative wait, from within a timer, or after a million timers (one that starts itself again at once).
   */
  advance(ms: number): void
  /** As `advance`, but lets promises and immediates run before the first timer, after each moment and at the end. */
  advanceAsync(ms: number): Promise<void>
  /** Steps the wall clock by `ms`, backwards if negative. Monotonic time and timers do not notice. */
  stepWall(ms: number): void
  /** Timers neither run nor cancelled. */
  readonly pending: number
  /** Milliseconds until the next timer; absent: none. */
  readonly untilNext: number | undefined
}

interface Entry {
  readonly at: number
  readonly seq: number
  readonly run: () => void
  state: 'waiting' | 'over'
}

/** 2026-01-01T00:00:00Z: a round moment that no test should depend on. */
const defaultStart = 1_767_225_600_000
const maxTimers = 1_000_000

const before = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.seq < b.seq)

/** A binary heap: tests of the scheduler keep tens of thousands of timers. */
const timerHeap = (): { push(entry: Entry): void; peek(): Entry | undefined; pop(): void } => {
  const heap: Entry[] = []
  const swap = (i: number, j: number): void => {
    const held = heap[i] as Entry
    heap[i] = heap[j] as Entry
    heap[j] = held
  }
  const siftDown = (): void => {
    for (let i = 0; ;) {
      const left = 2 * i + 1
      const right = left + 1
      if (left >= heap.length) return
      const least = right < heap.length && before(heap[right] as Entry, heap[left] as Entry) ? right : left
      if (!before(heap[least] as Entry, heap[i] as Entry)) return
      swap(i, least)
      i = least
    }
  }
  const pop = (): void => {
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    heap[0] = last
    siftDown()
  }
  return {
    push(entry) {
      heap.push(entry)
      for (let i = heap.length - 1; i > 0;) {
        const parent = (i - 1) >> 1
        if (!before(heap[i] as Entry, heap[parent] as Entry)) return
        swap(i, parent)
        i = parent
      }
    },
    peek() {
      while (heap[0]?.state === 'over') pop()
      return heap[0]
    },
    pop,
  }
}

/**
 * A `Clock` for tests.
 *
 * @param start epoch milliseconds of the wall clock. @default 2026-01-01T00:00:00Z
 * @example
 * const clock = manualClock()
 * clock.after(500, () => retry())
 * clock.advance(500) // retry has run
 */
export const manualClock = (start: number = defaultStart): ManualClock => {
  const timers = timerHeap()
  let monotonic = 0
  let wallOffset = start
  let seq = 0
  let pending = 0
  let running = false

  const fail = (what: string): never => {
    throw new MillraceError('E_INTERNAL_STATE', { what: `manualClock: ${what}` })
  }
  const targetOf = (ms: number): number => {
    if (running) fail('advance was called from within a timer')
    return ms >= 0 ? monotonic + ms : fail(`cannot advance by ${ms} ms; stepWall moves the wall clock back`)
  }
  const runNext = (target: number): boolean => {
    const entry = timers.peek()
    if (entry === undefined || entry.at > target) return false
    timers.pop()
    entry.state = 'over'
    pending--
    monotonic = Math.max(monotonic, entry.at)
    running = true
    try {
      entry.run()
    } finally {
      running = false
    }
    return true
  }

  return {
    now: () => wallOffset + monotonic,
    monotonic: () => monotonic,
    after(ms: number, run: () => void): Timer {
      const entry: Entry = { at: monotonic + (ms > 0 ? ms : 0), seq: seq++, run, state: 'waiting' }
      timers.push(entry)
      pending++
      return {
        cancel() {
          if (entry.state === 'over') return
          entry.state = 'over'
          pending--
        },
      }
    },
    advance(ms: number): void {
      const target = targetOf(ms)
      for (let ran = 0; runNext(target);) if (++ran > maxTimers) fail('a timer starts itself again without a wait')
      monotonic = target
    },
    async advanceAsync(ms: number): Promise<void> {
      const target = targetOf(ms)
      await nextImmediate()
      for (let ran = 0; runNext(target); await nextImmediate()) if (++ran > maxTimers) fail('a timer starts itself again without a wait')
      monotonic = Math.max(monotonic, target)
      await nextImmediate()
    },
    stepWall(ms: number): void {
      wallOffset += ms
    },
    get pending() {
      return pending
    },
    get untilNext() {
      const entry = timers.peek()
      return entry === undefined ? undefined : Math.max(0, entry.at - monotonic)
    },
  }
}
