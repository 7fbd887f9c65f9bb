import { format, inspect } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Secret } from '../../src/core/secret.ts'

/* oxlint-disable typescript/restrict-template-expressions -- what must be safe is exactly what the rule forbids */

const marker = 'canary-7f3a'

test('T39 no way of printing a secret shows it', () => {
  const secret = new Secret(marker)
  const printed = [
    String(secret),
    `${secret}`,
    JSON.stringify({ secret, list: [secret] }),
    inspect(secret, { showHidden: true, depth: 9 }),
    format('%s %o %O %j', secret, secret, secret, secret),
    inspect(new Map([['k', secret]])),
    Object.entries(secret).join(),
    new Error(`failed with ${secret}`).message,
  ]
  expect(printed.join('\n')).not.toContain(marker)
  expect(String(secret)).toBe('[redacted]')
  expect(secret.reveal()).toBe(marker)
})

test('a secret equals exactly its own value', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      expect(new Secret(a).equals(new Secret(b))).toBe(a === b)
      expect(new Secret(a).equals(a)).toBe(true)
    }),
  )
})
