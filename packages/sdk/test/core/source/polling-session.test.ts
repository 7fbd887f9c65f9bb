import { describe, expect, it } from 'vitest'
import { pollingSession } from '../../../src/core/source/polling-session.ts'
import { manualClock } from '../../../src/testing/manual-clock.ts'

describe('pollingSession', () => {
  it('asks again at once while there is more, else after the wait', async () => {
    const clock = manualClock()
    const at: number[] = []
    const session = pollingSession({ clock }, { intake: 'i', everyMs: 100, poll: async () => at.push(clock.monotonic()) < 3 })
    await clock.advanceAsync(250)
    expect(at).toEqual([0, 0, 0, 100, 200])
    await session.close()
    await clock.advanceAsync(1000)
    expect([at.length, clock.pending]).toEqual([5, 0])
  })

  it('asks nothing while paused', async () => {
    const clock = manualClock()
    let polls = 0
    const session = pollingSession({ clock }, { intake: 'i', everyMs: 100, poll: async () => void polls++ })
    session.pause('another')
    await clock.advanceAsync(250)
    expect(polls).toBe(3)
    session.pause('i')
    await clock.advanceAsync(1000)
    expect(polls).toBe(3)
    session.resume('i')
    await clock.advanceAsync(0)
    expect(polls).toBe(4)
    await session.close()
  })

  it('loses the session when a poll fails', async () => {
    const clock = manualClock()
    let left = 0
    const session = pollingSession(
      { clock },
      { intake: 'i', everyMs: 1, poll: () => Promise.reject(new Error('refused')), leave: () => void left++ },
    )
    await clock.advanceAsync(10)
    expect(await session.closed).toMatchObject({ message: 'refused' })
    expect([left, clock.pending]).toEqual([1, 0])
  })

  it('aborts the running poll on close and waits for its end', async () => {
    const clock = manualClock()
    const order: string[] = []
    const session = pollingSession(
      { clock },
      {
        intake: 'i',
        everyMs: 1,
        poll: (_session, signal) =>
          new Promise((resolve) =>
            signal.addEventListener('abort', () => {
              order.push('poll ended')
              resolve()
            }),
          ),
        leave: () => void order.push('left'),
      },
    )
    await clock.advanceAsync(1)
    await session.close()
    expect([order, await session.closed]).toEqual([['poll ended', 'left'], undefined])
  })
})
