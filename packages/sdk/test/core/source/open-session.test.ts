import { describe, expect, it } from 'vitest'
import { openSession } from '../../../src/core/source/open-session.ts'

describe('openSession', () => {
  it('resolves closed with undefined on close, and leaves once', async () => {
    const left: unknown[] = []
    const session = openSession({ leave: (lost) => void left.push(lost) })
    expect(session.ended).toBe(false)
    await Promise.all([session.close(), session.close()])
    session.lose(new Error('too late'))
    expect([await session.closed, session.ended, left]).toEqual([undefined, true, [undefined]])
  })

  it('resolves closed with the reason of a loss, whatever leave does', async () => {
    const reason = new Error('gone')
    const session = openSession({
      leave() {
        throw new Error('cannot leave')
      },
    })
    session.lose(reason)
    session.lose(new Error('again'))
    expect([await session.closed, session.ended]).toEqual([reason, true])
    await expect(session.close()).resolves.toBeUndefined()
  })

  it('lets a failed last commit out of close, and is closed all the same', async () => {
    const session = openSession({ leave: () => Promise.reject(new Error('commit')) })
    await expect(session.close()).rejects.toThrow('commit')
    expect(await session.closed).toBeUndefined()
  })

  it('keeps pauses of all and of one intake apart, and tells of changes only', () => {
    const told: string[] = []
    const session = openSession({ pause: (intake) => void told.push(`- ${intake}`), resume: (intake) => void told.push(`+ ${intake}`) })
    session.pause('a')
    session.pause('a')
    session.pause()
    session.pause()
    session.resume()
    session.resume()
    expect([session.paused('a'), session.paused('b')]).toEqual([true, false])
    session.pause()
    session.resume('a')
    session.resume('a')
    expect([session.paused('a'), session.paused('b')]).toEqual([true, true])
    expect(told).toEqual(['- a', '- undefined', '+ undefined', '- undefined', '+ a'])
  })
})
