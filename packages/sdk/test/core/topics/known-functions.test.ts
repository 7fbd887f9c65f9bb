import { expect, test } from 'vitest'
import { KnownFunctions } from '../../../src/core/topics/known-functions.ts'
import type { ListedFunction } from '../../../src/core/topics/listed-function.ts'

const listed = (name: string, namespace?: string): ListedFunction => ({
  name,
  annotations: new Map(),
  ...(namespace === undefined ? {} : { namespace }),
})

/** `{ a: 'f g' }`: namespace `a` has functions f and g; `undefined`: its list failed. */
const round = (lists: Record<string, string | undefined>, namespaces = Object.keys(lists).filter((name) => name !== '')) => ({
  namespaces,
  lists: new Map(
    Object.entries(lists).flatMap(([name, functions]) =>
      functions === undefined
        ? []
        : [
            [
              name,
              functions
                .split(' ')
                .filter((item) => item !== '')
                .map((item) => listed(item, name || 'said-by-the-item')),
            ],
          ],
    ),
  ),
})

const keys = (known: KnownFunctions): string[] =>
  known
    .functions()
    .map(({ name, namespace }) => (namespace === undefined ? name : `${name}.${namespace}`))
    .sort()

test('openfaas S15 the last good part of a failing namespace stays, the others go on', () => {
  const known = new KnownFunctions()
  known.apply(round({ a: 'f', b: 'g' }), true)
  for (let times = 0; times < 10; times += 1) known.apply(round({ a: 'f h', b: undefined }), true)
  expect(keys(known)).toEqual(['f.a', 'g.b', 'h.a'])
})

test('openfaas C2 the functions of a vanished namespace go with the second list', () => {
  const known = new KnownFunctions()
  known.apply(round({ a: 'f', b: 'g' }), true)
  known.apply(round({ a: 'f' }), true)
  expect(keys(known)).toEqual(['f.a', 'g.b'])
  known.apply(round({ a: 'f' }), true)
  expect(keys(known)).toEqual(['f.a'])
})

test('without namespaces functions have bare names, whatever the items say (openfaas 2.1)', () => {
  const known = new KnownFunctions()
  known.apply(round({ '': 'f' }, []), true)
  expect(keys(known)).toEqual(['f'])
})

test('T20 namespaces that turn empty are an empty list of each, and no second name of a function is used beside the first', () => {
  const known = new KnownFunctions()
  known.apply(round({ a: 'f' }), true)
  const empty = round({ '': 'f' }, [])
  expect(known.isSuspect(empty)).toBe(true)
  for (let times = 1; times <= 4; times += 1) {
    known.apply(empty, true)
    expect(keys(known)).toEqual(['f.a'])
  }
  known.apply(empty, true)
  known.apply(empty, true)
  expect(keys(known)).toEqual(['f'])
})

test('a gateway that gains namespaces calls no function under two names', () => {
  const known = new KnownFunctions()
  known.apply(round({ '': 'f g' }, []), true)
  known.apply(round({ a: 'f' }), true)
  expect(keys(known)).toEqual(['f.a', 'g'])
  known.apply(round({ a: 'f' }), true)
  expect(keys(known)).toEqual(['f.a'])
})

test('a namespace whose list never was good is unknown', () => {
  const known = new KnownFunctions()
  expect(known.unknown(round({ a: 'f', b: undefined }))).toEqual(['b'])
  expect(known.unknown(round({ '': undefined }, []))).toEqual([''])
  known.apply(round({ a: 'f', b: 'g' }), true)
  expect(known.unknown(round({ a: 'f', b: undefined }))).toEqual([])
})
