import { memoryState } from '@millrace/sdk'
import type { MillraceError, StateStore } from '@millrace/sdk'
import { manualClock } from '@millrace/sdk/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { BindingBook } from '../../src/topology/binding-book.ts'
import { byId } from '../../src/topology/binding-record.ts'

let state: StateStore
let warnings: MillraceError[]
beforeEach(() => {
  state = memoryState({ clock: manualClock() })
  warnings = []
})

const open = (owner = 'me'): BindingBook => new BindingBook({ state, owner, vhost: '/', warn: (problem) => void warnings.push(problem) })
const some = (...keys: readonly string[]): ReturnType<typeof byId> => byId(keys.map((routingKey) => ({ exchange: 'x', routingKey })))
const idOf = (key: string): string => [...some(key).keys()][0] ?? ''
const keysOf = async (book: BindingBook): Promise<readonly string[]> =>
  [...(await book.known('q')).values()].map(({ routingKey }) => routingKey)

describe('the book of bindings', () => {
  it('is known to the next process, for its owner only', async () => {
    await open().add('q', 'f.x', some('a', 'b'))
    expect(await keysOf(open())).toEqual(['a', 'b'])
    expect(await open().queues()).toMatchObject([{ queue: 'q', function: 'f.x' }])
    expect(await open('you').queues()).toEqual([])
  })

  it('has a record for each queue under a key that is documented, and none for a queue without bindings', async () => {
    const book = open()
    await book.add('q', undefined, some('a'))
    expect(await state.keys('')).toEqual(['rabbitmq/bindings/me/%2F/q'])
    await book.remove('q', undefined, new Set([idOf('a')]))
    expect(await state.keys('')).toEqual([])
  })

  it('keeps what another replica has written, and does not take it for its own', async () => {
    const [one, other] = [open(), open()]
    await one.queues()
    await other.queues()
    await one.add('q', undefined, some('a'))
    await other.add('q', undefined, some('b'))
    expect(await keysOf(one)).toEqual(['a'])
    await one.remove('q', undefined, new Set([idOf('a')]))
    expect(await keysOf(open())).toEqual(['b'])
  })

  it('does without records that are not ours, and says so', async () => {
    await state.put('rabbitmq/bindings/me/%2F/q', new TextEncoder().encode('{"v":1,"queue":"other","bindings":[["x","k"]]}'), 'absent')
    await state.put('rabbitmq/bindings/me/%2F/r', new Uint8Array([255]), 'absent')
    expect(await open().queues()).toEqual([])
    expect(warnings.map(({ code }) => code)).toEqual(['E_RABBITMQ_BINDINGS', 'E_RABBITMQ_BINDINGS'])
  })

  it('asks the store again when it did not answer, and writes then what it could not', async () => {
    await open().add('q', undefined, some('a'))
    const answering = state
    let down = true
    const answer = <T>(value: () => Promise<T>): Promise<T> => (down ? Promise.reject(new Error('down')) : value())
    state = {
      get: (key) => answer(() => answering.get(key)),
      put: (key, value, expected) => answer(() => answering.put(key, value, expected)),
      delete: (key, expected) => answer(() => answering.delete(key, expected)),
      keys: (prefix) => answer(() => answering.keys(prefix)),
      lease: (key, ttlMs) => answering.lease(key, ttlMs),
      close: () => answering.close(),
    }
    const book = open()
    await book.add('q', undefined, some('b'))
    expect(await keysOf(book)).toEqual(['b'])
    down = false
    expect(await keysOf(book)).toEqual(['a', 'b'])
    await book.add('q', undefined, some('b'))
    expect(await keysOf(open())).toEqual(['a', 'b'])
  })
})
