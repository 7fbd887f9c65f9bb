import { afterEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../src/ports/system-clock.ts'

afterEach(() => void vi.useRealTimers())

describe('systemClock', () => {
  it('never runs a timer early', async () => {
    for (const ms of [0, 0.4, 3, 7.9]) {
      const from = systemClock.monotonic()
      await new Promise<void>((resolve) => void systemClock.after(ms, resolve))
      expect(systemClock.monotonic() - from).toBeGreaterThanOrEqual(ms)
    }
  })

  it('keeps no process alive by a timer', () => {
    const before = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
    const timer = systemClock.after(60_000, () => {})
    expect(process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout')).toHaveLength(before)
    timer.cancel()
  })

  it('waits longer than 2^31-1 ms, and can be cancelled in the second stretch', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    const wait = 2 ** 31 + 5000
    const ran: string[] = []
    systemClock.after(wait, () => ran.push('long'))
    const cancelled = systemClock.after(wait, () => ran.push('cancelled'))
    vi.advanceTimersByTime(2 ** 31)
    cancelled.cancel()
    vi.advanceTimersByTime(4999)
    expect(ran).toEqual([])
    vi.advanceTimersByTime(2)
    expect([ran, vi.getTimerCount()]).toEqual([['long'], 0])
  })
})
