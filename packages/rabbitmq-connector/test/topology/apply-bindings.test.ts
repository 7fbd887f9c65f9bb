import { memoryState, MillraceError } from '@millrace/sdk'
import type { ErrorCode } from '@millrace/sdk'
import { manualClock } from '@millrace/sdk/testing'
import { describe, expect, it } from 'vitest'
import { applyBindings } from '../../src/topology/apply-bindings.ts'
import { BindingBook } from '../../src/topology/binding-book.ts'
import type { Binding } from '../../src/topology/plan.ts'
import { ScratchChannel } from '../../src/topology/scratch-channel.ts'
import type { AmqpChannel } from '../../src/transport/transport.ts'

/** Writes down what is asked of it, in order, and refuses what it is told to: the order is what no broker shows. */
const recorder = (): { readonly scratch: ScratchChannel; readonly asked: string[]; readonly refuse: Map<string, ErrorCode> } => {
  const asked: string[] = []
  const refuse = new Map<string, ErrorCode>()
  const ask = (what: string): Promise<void> => {
    asked.push(what)
    const code = refuse.get(what)
    return code === undefined ? Promise.resolve() : Promise.reject(new MillraceError(code, { reason: what }))
  }
  const channel: Partial<AmqpChannel> = {
    lost: new AbortController().signal,
    bindQueue: (_queue, _exchange, key) => ask(`bind ${key}`),
    unbindQueue: (_queue, _exchange, key) => ask(`unbind ${key}`),
    close: () => Promise.resolve(),
  }
  return { scratch: new ScratchChannel({ openChannel: () => Promise.resolve(channel as AmqpChannel) }), asked, refuse }
}

const keys = (...names: readonly string[]): readonly Binding[] => names.map((routingKey) => ({ exchange: 'x', routingKey }))
const quiet = (): void => {}

const openBook = (): BindingBook => new BindingBook({ state: memoryState({ clock: manualClock() }), owner: 'me', vhost: '/', warn: quiet })

describe('bindings that change', () => {
  it('are all there before the first one goes', async () => {
    const book = openBook()
    const { scratch, asked } = recorder()
    await applyBindings(scratch, { queue: 'q', bindings: keys('a', 'b'), keep: false }, book, quiet)
    await applyBindings(scratch, { queue: 'q', bindings: keys('b', 'c'), keep: false }, book, quiet)
    expect(asked).toEqual(['bind a', 'bind b', 'bind b', 'bind c', 'unbind a'])
  })

  it('stay all when one cannot be made', async () => {
    const book = openBook()
    const { scratch, asked, refuse } = recorder()
    await applyBindings(scratch, { queue: 'q', bindings: keys('a'), keep: false }, book, quiet)
    refuse.set('bind c', 'E_RABBITMQ_DENIED')
    const { refused, anyStands } = await applyBindings(scratch, { queue: 'q', bindings: keys('b', 'c', 'd'), keep: false }, book, quiet)
    expect([...refused.values()].map(({ code }) => code)).toEqual(['E_RABBITMQ_DENIED'])
    expect(anyStands).toBe(true)
    // The refusal has ended the channel for those that were asked for with it: each is asked for again by itself.
    expect(asked.slice(1)).toEqual(['bind b', 'bind c', 'bind d', 'bind b', 'bind c', 'bind d'])
    expect(asked).not.toContain('unbind a')
    // Written down before it was tried: also a binding that the broker has made and could not tell of is taken away one day.
    expect([...(await book.known('q')).values()].map(({ routingKey }) => routingKey)).toEqual(['a', 'b', 'c', 'd'])
  })

  it('to an exchange that is not there are not asked for; when nothing leads to the queue that is said', async () => {
    const { scratch, asked } = recorder()
    const missing = new Map([['x', new MillraceError('E_RABBITMQ_NOT_DECLARED', { kind: 'exchange', name: 'x' })]])
    const { refused, anyStands } = await applyBindings(
      scratch,
      { queue: 'q', bindings: keys('a'), keep: false },
      openBook(),
      quiet,
      missing,
    )
    expect([refused.size, anyStands, asked]).toEqual([1, false, []])
  })

  it('trouble of the link is no refusal', async () => {
    const { scratch, refuse } = recorder()
    refuse.set('bind a', 'E_RABBITMQ_CONNECTION')
    await expect(applyBindings(scratch, { queue: 'q', bindings: keys('a'), keep: false }, openBook(), quiet)).rejects.toThrow(
      'E_RABBITMQ_CONNECTION',
    )
  })

  it('that are gone with their exchange are forgotten, and those that must not be taken away are not', async () => {
    const book = openBook()
    const { scratch, refuse } = recorder()
    await applyBindings(scratch, { queue: 'q', bindings: keys('a', 'b', 'c'), keep: false }, book, quiet)
    refuse.set('unbind a', 'E_RABBITMQ_EXCHANGE_MISSING').set('unbind b', 'E_RABBITMQ_DENIED')
    const warned: string[] = []
    await applyBindings(scratch, { queue: 'q', bindings: keys('c'), keep: false }, book, ({ code }) => void warned.push(code))
    expect(warned).toEqual(['E_RABBITMQ_DENIED'])
    expect([...(await book.known('q')).values()].map(({ routingKey }) => routingKey)).toEqual(['b', 'c'])
  })
})
