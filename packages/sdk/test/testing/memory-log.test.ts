import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { manualClock } from '../../src/testing/manual-clock.ts'
import { memoryIntake } from '../../src/testing/memory-intake.ts'
import { memoryLog } from '../../src/testing/memory-log.ts'

const client = { wake: () => {}, lost: () => {} }

describe('memoryLog', () => {
  it('appends a delayed record when its time has come, also over a restart', () => {
    const clock = manualClock()
    const log = memoryLog({ clock })
    log.delay('a', { data: 'later', id: 'x' }, 1000)
    log.restart()
    clock.advance(999)
    expect(log.length('a')).toBe(0)
    clock.advance(1)
    expect(log.connect(client).take('a')).toMatchObject({ id: 'x', offset: 0 })
    log.delay('a', { data: 'never' }, 1000)
    log.dispose()
    expect(clock.pending).toBe(0)
  })

  it('refuses connections while it is down, and tells its clients why', () => {
    const log = memoryLog()
    const reasons: string[] = []
    log.connect({ ...client, lost: (reason) => void reasons.push(reason.message) })
    log.stop()
    expect(() => log.connect(client)).toThrow('down')
    log.start()
    log.connect(client)
    expect([reasons, log.connections]).toEqual([['the broker has stopped'], 1])
  })

  it('gives a record to one of several clients, and to another when that one goes', () => {
    const log = memoryLog()
    log.publish('a', { data: '0' }, { data: '1' })
    const [one, two] = [log.connect(client), log.connect(client)]
    expect([one.take('a')?.offset, two.take('a')?.offset, two.take('a')]).toEqual([0, 1, undefined])
    one.leave()
    expect(two.take('a')?.offset).toBe(0)
  })

  it('complains of what a good client does not do', () => {
    const log = memoryLog()
    log.publish('a', { data: '0' }, { data: '1' })
    const connection = log.connect(client)
    connection.take('a')
    connection.ack('a', 0)
    connection.ack('a', 0)
    connection.ack('a', 1)
    connection.commit('b', 5)
    log.disconnect()
    connection.ack('a', 0)
    expect(log.complaints).toEqual([
      'a: ack of 0, which this connection does not hold',
      'a: ack of 1, which this connection does not hold',
      'b: the position 5 is past the end',
      'a: ack on a connection that has ended',
    ])
    expect(log.position()).toBe(1)
  })

  it('answers no to an offer when no spool source is connected', async () => {
    const log = memoryLog()
    log.connect(client)
    expect(await log.offer('a', { data: 'x' })).toBe(false)
  })
})

describe('memoryIntake', () => {
  it('gives every record until it is acknowledged, the lowest first, to one holder at a time', () => {
    const steps = fc.array(fc.tuple(fc.constantFrom('append', 'take', 'ack', 'give back', 'leave'), fc.nat(1), fc.nat()), {
      maxLength: 200,
    })
    fc.assert(
      fc.property(steps, (plan) => {
        const complaints: string[] = []
        const intake = memoryIntake((what) => void complaints.push(what))
        const holders = [{ held: new Set<number>() }, { held: new Set<number>() }] as const
        const waiting = new Set<number>()
        let acked = 0
        for (const [step, who, pick] of plan) {
          const holder = holders[who as 0 | 1]
          const offset = [...holder.held][pick % Math.max(1, holder.held.size)]
          if (step === 'append') waiting.add(intake.append({ data: '' }).offset)
          else if (step === 'take') {
            const lowest = waiting.size > 0 ? Math.min(...waiting) : undefined
            const taken = intake.take(holder)?.offset
            if (taken !== lowest) throw new Error(`took ${taken}, the lowest is ${lowest}`)
            if (taken === undefined) continue
            waiting.delete(taken)
            holder.held.add(taken)
          } else if (step === 'leave') {
            intake.giveBackAll(holder)
            for (const held of holder.held) waiting.add(held)
            holder.held.clear()
          } else if (offset !== undefined) {
            if (step === 'ack') intake.ack(offset, holder)
            else intake.giveBack(offset, holder)
            holder.held.delete(offset)
            if (step === 'ack') acked++
            else waiting.add(offset)
          }
        }
        expect([complaints, intake.position]).toEqual([[], acked])
      }),
    )
  })
})
