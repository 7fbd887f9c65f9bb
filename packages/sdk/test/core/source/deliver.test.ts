import { describe, expect, it } from 'vitest'
import type { Delivery } from '../../../src/contract/delivery.ts'
import type { MillraceEvent } from '../../../src/contract/event.ts'
import { deliver, makeDelivery } from '../../../src/core/source/deliver.ts'

const event: MillraceEvent = { id: 'e1', source: '/s', type: 't', topic: 'a', data: new Uint8Array(), headers: [] }
const settlement = { results: [] }

describe('makeDelivery', () => {
  it('lets the first of ack and release through, once', async () => {
    const calls: string[] = []
    const make = (): Delivery =>
      makeDelivery({ event, intake: 'i', ack: () => void calls.push('ack'), release: (why) => void calls.push(why) })
    const acked = make()
    await acked.ack(settlement)
    await acked.ack(settlement)
    acked.release('drain')
    const released = make()
    released.release('lost')
    released.release('drain')
    await released.ack(settlement)
    expect(calls).toEqual(['ack', 'lost'])
  })

  it('hands on what an asynchronous ack comes to', async () => {
    const delivery = makeDelivery({ event, intake: 'i', ack: () => Promise.reject(new Error('commit failed')) })
    await expect(delivery.ack(settlement)).rejects.toThrow('commit failed')
  })

  it('needs nothing but event and intake, and adds no empty fields', () => {
    const delivery = makeDelivery({ event, intake: 'i' })
    expect(Object.keys(delivery)).toEqual(['event', 'intake', 'ack', 'release'])
    expect(delivery.ack(settlement)).toBeUndefined()
    const marked = makeDelivery({ event, intake: 'i', targets: [], asksFilter: true, unreadable: { reason: 'decode', detail: 'd' } })
    expect(marked).toMatchObject({ targets: [], asksFilter: true, unreadable: { reason: 'decode' } })
    expect(() => Object.assign(marked.event, { id: 'other' })).toThrow(TypeError)
  })
})

describe('deliver', () => {
  it('emits, and logs a release that throws', () => {
    const emitted: Delivery[] = []
    const lines: unknown[] = []
    const logger = { error: (...line: unknown[]) => void lines.push(line) } as never
    deliver(
      { emit: (delivery) => void emitted.push(delivery), logger },
      {
        event,
        intake: 'i',
        release: () => {
          throw new Error('no')
        },
      },
    )
    emitted[0]?.release('drain')
    expect(lines).toEqual([['a release failed', { intake: 'i', error: 'no' }]])
  })
})
