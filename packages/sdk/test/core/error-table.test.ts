import { expect, test } from 'vitest'
import { errorTable, MillraceError } from '../../src/core/errors.ts'
import type { ErrorCode } from '../../src/core/errors.ts'

const codes = Object.keys(errorTable) as ErrorCode[]

test.each(codes)('%s has the form E_<AREA>_<WHAT> and says what, effect and fix', (code) => {
  expect(code).toMatch(/^E_[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/)
  for (const part of [errorTable[code].message, errorTable[code].effect, errorTable[code].fix])
    expect(part.trim().length).toBeGreaterThan(3)
  expect(errorTable[code].effect).toMatch(/[.!]$/)
})

test.each(codes)('%s leaves no placeholder open when its context is full', (code) => {
  const { message, effect, fix } = errorTable[code]
  const names = [...`${message}${effect}${fix}`.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '')
  const error = new MillraceError(code, Object.fromEntries(names.map((name) => [name, 'x'])))
  expect(error.explain()).not.toMatch(/\{\w+\}/)
  expect(error.message.startsWith(code)).toBe(true)
})

test('the areas stand in alphabetical order, so that authors of two areas do not meet at the end', () => {
  const areas = codes.map((code) => code.split('_')[1] ?? '')
  expect(areas).toEqual(areas.toSorted((a, b) => (a < b ? -1 : Number(a > b))))
})
