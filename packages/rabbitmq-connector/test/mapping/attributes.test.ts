import fc from 'fast-check'
import { expect, it } from 'vitest'
import { attributesOf } from '../../src/mapping/attributes.ts'
import { segment } from '../../src/mapping/event-id.ts'
import { messageWith } from './messages.ts'

const attributesWith = (differs: Parameters<typeof messageWith>[0]): readonly (readonly [string, unknown])[] => {
  const message = messageWith(differs)
  return attributesOf({ message, original: message, queue: 'orders', userId: undefined, death: undefined, isStream: false })
}

it('a property that was sent empty gives no attribute, a content coding neither', () => {
  const empty = { messageId: '', correlationId: '', contentEncoding: '', type: '', expiration: '' }
  expect(attributesWith(empty)).toEqual(attributesWith({}))
})

it('a segment is percent-encoded, whatever is in it (property)', () => {
  const plain = fc.string({ unit: fc.constantFrom('a', 'Z', '0', '-', '_', '.', '!', '~', '*', '(', ')', "'") })
  const texts = fc.oneof(plain, fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('', '\n', 'a\n', '\uD800', 'a/b', 'a b'))
  fc.assert(
    fc.property(texts, (text) => {
      expect(segment(text)).toBe(encodeURIComponent(text.toWellFormed()))
    }),
  )
})
