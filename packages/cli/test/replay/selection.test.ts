import { expect, test } from 'vitest'
import { skipReason } from '../../src/replay/selection.ts'
import { letterOf } from './letters.ts'

const letter = letterOf('e', 'mailer.openfaas-fn')

test.each([
  ['everything', {}, false, 0, undefined],
  ['another function', { functions: new Set(['audit']) }, false, 0, 'other-function'],
  ['the function by its short name', { functions: new Set(['mailer']) }, false, 0, undefined],
  ['the function by its whole name', { functions: new Set(['mailer.openfaas-fn']) }, false, 0, undefined],
  ['a later time', { sinceMs: letter.diedAt + 1 }, false, 0, 'before-since'],
  ['the very time', { sinceMs: letter.diedAt }, false, 0, undefined],
  ['what was replayed', {}, true, 0, 'replayed'],
  ['less than the most', { max: 2 }, false, 1, undefined],
  ['more than the most', { max: 2 }, false, 2, 'over-max'],
] as const)('%s', (_, selection, isReplayed, taken, expected) => {
  expect(skipReason(letter, selection, isReplayed, taken)).toBe(expected)
})

test('what no function is to blame for, and what goes round in circles', () => {
  expect(skipReason(letterOf('e', undefined), {}, false, 0)).toBe('no-function')
  expect(skipReason(letterOf('e', 'f', { hops: 15 }), {}, false, 0)).toBeUndefined()
  expect(skipReason(letterOf('e', 'f', { hops: 16 }), {}, false, 0)).toBe('hops')
})
