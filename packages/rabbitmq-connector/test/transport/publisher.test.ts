import { isMillraceError } from '@millrace/sdk'
import { manualClock } from '@millrace/sdk/testing'
import { describe, expect, it } from 'vitest'
import type { Message } from '../../src/transport/message.ts'
import { createPublisher } from '../../src/transport/publisher.ts'
import type { AmqpConfirmChannel, AmqpConnection, AmqpLink } from '../../src/transport/transport.ts'

/** Confirms that come when the test says so: a real broker without a majority cannot be had on one node. */
class SilentBroker implements AmqpConnection {
  readonly address = 'broker:5672'
  readonly reconnects = 0
  /** By channel: the keys that were published and wait. */
  readonly channels: { readonly out: Map<string, () => void>; closed: boolean }[] = []
  #block: (blocked: boolean) => void = () => undefined

  link(): Promise<AmqpLink> {
    return Promise.resolve({
      serverVersion: '3.10.8',
      lost: new AbortController().signal,
      blocked: false,
      onBlocked: (listener) => {
        this.#block = (blocked) => listener(blocked, '')
        return () => undefined
      },
      openChannel: () => Promise.reject(new Error('not asked for')),
      openConfirmChannel: () => Promise.resolve(this.#channel()),
    })
  }

  block(blocked: boolean): void {
    this.#block(blocked)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  #channel(): AmqpConfirmChannel {
    const channel = { out: new Map<string, () => void>(), closed: false }
    const lost = new AbortController()
    this.channels.push(channel)
    return {
      lost: lost.signal,
      onDrain: () => undefined,
      publish: ({ routingKey }, _mandatory, done) => {
        channel.out.set(routingKey, done)
        return true
      },
      close: () => {
        channel.closed = true
        lost.abort()
        return Promise.resolve()
      },
    }
  }
}

const message = (routingKey: string): Message => ({ exchange: '', routingKey, body: Buffer.from('x'), properties: { headers: new Map() } })

const turns = async (): Promise<void> => {
  for (let i = 0; i < 20; i += 1) await Promise.resolve()
}

const outcome = (promise: Promise<void>): { now: string } => {
  const seen = { now: 'waits' }
  promise.then(
    () => (seen.now = 'confirmed'),
    (error: unknown) => (seen.now = isMillraceError(error) ? error.code : String(error)),
  )
  return seen
}

describe('a message that is not confirmed', () => {
  it('ends alone: what comes next goes on a fresh channel, and the old one goes when its others have ended', async () => {
    const [broker, clock] = [new SilentBroker(), manualClock()]
    const publisher = createPublisher(broker, { clock, confirmTimeoutMs: 1000 })
    const [stuck, other] = [
      outcome(publisher.publish(message('stuck'))),
      await (async () => {
        await turns()
        clock.advance(600)
        return outcome(publisher.publish(message('other')))
      })(),
    ]
    await turns()
    clock.advance(600)
    await turns()
    expect([stuck.now, other.now]).toEqual(['E_RABBITMQ_UNCONFIRMED', 'waits'])
    const next = outcome(publisher.publish(message('next')))
    await turns()
    const [first, second] = broker.channels
    expect([[...(first?.out.keys() ?? [])], [...(second?.out.keys() ?? [])]]).toEqual([['stuck', 'other'], ['next']])
    expect(first?.closed).toBe(false)
    first?.out.get('other')?.()
    second?.out.get('next')?.()
    await turns()
    expect([other.now, next.now, first?.closed, second?.closed]).toEqual(['confirmed', 'confirmed', true, false])
    // Its confirm comes after all.
    first?.out.get('stuck')?.()
    await publisher.close()
  })

  it('under an alarm is waited for as long as it lasts, and then as long as it would have had', async () => {
    const [broker, clock] = [new SilentBroker(), manualClock()]
    const publisher = createPublisher(broker, { clock, confirmTimeoutMs: 1000 })
    const out = outcome(publisher.publish(message('out')))
    await turns()
    clock.advance(500)
    broker.block(true)
    const behind = outcome(publisher.publish(message('behind')))
    clock.advance(3_600_000)
    await turns()
    expect([publisher.blocked, out.now, behind.now, broker.channels[0]?.out.has('behind')]).toEqual([true, 'waits', 'waits', false])
    broker.block(false)
    clock.advance(400)
    await turns()
    expect([out.now, broker.channels[0]?.out.has('behind')]).toEqual(['waits', true])
    clock.advance(500)
    await turns()
    expect([out.now, behind.now]).toEqual(['E_RABBITMQ_UNCONFIRMED', 'waits'])
    await Promise.all([publisher.close(), turns().then(() => clock.advance(5000))])
    expect(behind.now).toBe('E_RABBITMQ_UNCONFIRMED')
  })

  it('no more are out than the bounds say, in messages and in bytes', async () => {
    const [broker, clock] = [new SilentBroker(), manualClock()]
    const publisher = createPublisher(broker, { clock, maxOutstanding: 2, maxOutstandingBytes: 10 })
    const big = { ...message('big'), body: Buffer.alloc(100) }
    const all = [message('a'), message('b'), message('c'), big].map((one) => outcome(publisher.publish(one)))
    await turns()
    const out = broker.channels[0]?.out ?? new Map<string, () => void>()
    expect([...out.keys()]).toEqual(['a', 'b'])
    for (const key of ['a', 'b']) out.get(key)?.()
    await turns()
    expect([...out.keys()]).toEqual(['a', 'b', 'c'])
    out.get('c')?.()
    await turns()
    out.get('big')?.()
    await turns()
    expect(all.map(({ now }) => now)).toEqual(['confirmed', 'confirmed', 'confirmed', 'confirmed'])
    await publisher.close()
  })
})
