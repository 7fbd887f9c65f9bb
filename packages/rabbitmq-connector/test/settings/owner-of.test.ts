import { expect, test } from 'vitest'
import { ownerOf } from '../../src/settings/owner-of.ts'

const nothing = { owner: undefined, mode: undefined, exchange: undefined, exchangeQueue: undefined, templum: undefined }
const watching = (...namespacesAllow: readonly string[]) => ({ namespacesAllow, namespacesDeny: [] })
const templum = (...names: readonly string[]) => ({
  exchanges: names.map((name) => ({ name, topics: ['a'], declare: false, type: 'direct' as const, durable: true, autoDeleted: false })),
  hints: [],
})

test('a connector that watches everything, and binds nothing but queues of functions, is called as before', () => {
  expect([ownerOf(nothing), ownerOf(nothing, watching()), ownerOf({ ...nothing, mode: 'queue', exchange: 'shop' }, watching())]).toEqual([
    'millrace',
    'millrace',
    'millrace',
  ])
})

test('what two connectors would unbind of each other tells them apart', () => {
  const all = [
    ownerOf(nothing, watching('a')),
    ownerOf(nothing, watching('b')),
    ownerOf(nothing, { namespacesAllow: [], namespacesDeny: ['a'] }),
    ownerOf({ ...nothing, mode: 'exchange', exchange: 'a' }),
    ownerOf({ ...nothing, mode: 'exchange', exchange: 'b' }),
    ownerOf({ ...nothing, mode: 'exchange', exchange: 'b', exchangeQueue: 'q' }),
    ownerOf({ ...nothing, templum: templum('a') }),
    ownerOf({ ...nothing, templum: templum('a', 'b') }),
    ownerOf(nothing),
  ]
  expect(new Set(all).size).toBe(all.length)
  for (const owner of all) expect(owner).toMatch(/^[A-Za-z0-9._-]{1,100}$/)
})

test('replicas have one owner, in whatever order they name things; a name that is given counts', () => {
  expect(ownerOf(nothing, watching('b', 'a'))).toBe(ownerOf(nothing, watching('a', 'b')))
  expect(ownerOf({ ...nothing, owner: 'shop' }, watching('a'))).toBe('shop')
})
