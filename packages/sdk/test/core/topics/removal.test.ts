import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { applyList, applyVanished, isSuspect, noList } from '../../../src/core/topics/removal.ts'
import type { ListState } from '../../../src/core/topics/removal.ts'

const listOf = (names: string): ReadonlyMap<string, string> => new Map(Array.from(names, (name) => [name, name]))
const kept = (state: ListState<string>): string => [...state.kept.keys()].sort().join('')

/** Lists in order, `!` for a failed one, `~` for an empty list of an unhealthy gateway. */
const after = (...lists: string[]): string =>
  kept(
    lists.reduce<ListState<string>>((state, list) => {
      if (list === '!') return state
      return list === '~' ? applyList(state, listOf(''), false) : applyList(state, listOf(list), true)
    }, noList()),
  )

describe('a function goes (P6)', () => {
  test('when two successful lists in a row miss it', () => {
    expect(after('ab', 'a')).toBe('ab')
    expect(after('ab', 'a', 'a')).toBe('a')
    expect(after('ab', 'a', 'ab', 'a')).toBe('ab')
  })

  test('a failed list neither counts nor breaks the row', () => {
    expect(after('ab', 'a', '!', '!', '!')).toBe('ab')
    expect(after('ab', 'a', '!', 'a')).toBe('a')
  })

  test('T20 an empty list after a non-empty one needs five in a row', () => {
    expect(after('ab', '', '', '', '')).toBe('ab')
    expect(after('ab', '', '', '', '', '')).toBe('')
    expect(after('ab', '', '', '', '', 'ab', '', '', '', '')).toBe('ab')
  })

  test('T20 and a healthy gateway', () => {
    expect(after('ab', '~', '~', '~', '~', '~', '~', '~')).toBe('ab')
    expect(after('ab', '', '', '~', '', '', '')).toBe('')
  })

  test('an empty list is no miss', () => {
    expect(after('ab', '', 'a')).toBe('ab')
    expect(after('ab', '', 'a', 'a')).toBe('a')
  })

  test('an empty list with nothing in force is a plain list', () => {
    expect(isSuspect(noList(), listOf(''))).toBe(false)
    expect(after('', 'a')).toBe('a')
  })

  test('a namespace that is gone takes its functions along at the second list', () => {
    const state = applyList(noList<string>(), listOf('ab'), true)
    expect(kept(applyVanished(state))).toBe('ab')
    expect(kept(applyVanished(applyVanished(state)))).toBe('')
  })
})

/** The rule said again, from the whole history and without state. */
const expected = (history: readonly { readonly names: readonly string[]; readonly kind: 'good' | 'failed' | 'unhealthy' }[]): string => {
  const names = new Set(history.flatMap((list) => list.names))
  const inForce = new Set<string>()
  const misses = new Map<string, number>()
  let empties = 0
  for (const list of history) {
    if (list.kind === 'failed') continue
    if (list.names.length === 0 && inForce.size > 0) {
      if (list.kind === 'unhealthy') continue
      empties += 1
      if (empties === 5) inForce.clear()
      if (empties === 5) empties = 0
      continue
    }
    empties = 0
    for (const name of names) {
      if (list.names.includes(name)) {
        inForce.add(name)
        misses.set(name, 0)
      } else if (inForce.has(name)) {
        misses.set(name, (misses.get(name) ?? 0) + 1)
        if (misses.get(name) === 2) inForce.delete(name)
      }
    }
  }
  return [...inForce].sort().join('')
}

test('the rule holds for every history', () => {
  const list = fc.record({
    names: fc.oneof({ weight: 2, arbitrary: fc.subarray(['a', 'b', 'c']) }, { weight: 2, arbitrary: fc.constant<string[]>([]) }),
    kind: fc.constantFrom('good' as const, 'good' as const, 'failed' as const, 'unhealthy' as const),
  })
  const property = fc.property(fc.array(list, { maxLength: 25 }), (history) => {
    const state = history.reduce<ListState<string>>(
      (before, { names, kind }) => (kind === 'failed' ? before : applyList(before, listOf(names.join('')), kind === 'good')),
      noList(),
    )
    expect(kept(state)).toBe(expected(history))
  })
  fc.assert(property, { numRuns: 1000 })
})

test('nothing goes in a single list, whatever it says', () => {
  const property = fc.property(fc.subarray(['a', 'b', 'c']), fc.subarray(['a', 'b', 'c']), fc.boolean(), (before, next, healthy) => {
    const state = applyList(noList<string>(), listOf(before.join('')), true)
    for (const name of before) expect(kept(applyList(state, listOf(next.join('')), healthy))).toContain(name)
  })
  fc.assert(property)
})
