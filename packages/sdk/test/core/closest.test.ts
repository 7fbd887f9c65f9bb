import fc from 'fast-check'
import { expect, test } from 'vitest'
import { closest } from '../../src/core/closest.ts'

const known = ['gateway_url', 'upstream_timeout', 'rebuild_interval', 'debug']

test.each([
  ['gatewy_url', 'gateway_url'],
  ['gateway-url', 'gateway_url'],
  ['upstraem_timeout', 'upstream_timeout'],
  ['rebuildInterval', 'rebuild_interval'],
  ['debg', 'debug'],
  ['something_else_altogether', undefined],
  ['', undefined],
])('%s is near to %s', (name, expected) => {
  expect(closest(name, known)).toBe(expected)
})

test('a known name is its own nearest, and long names cost a bounded time', () => {
  for (const name of known) expect(closest(name, known)).toBe(name)
  fc.assert(fc.property(fc.string({ maxLength: 2000 }), (name) => [undefined, ...known].includes(closest(name, known))))
})
