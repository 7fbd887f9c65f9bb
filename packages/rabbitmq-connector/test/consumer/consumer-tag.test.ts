import fc from 'fast-check'
import { expect, test } from 'vitest'
import { consumerTag } from '../../src/consumer/consumer-tag.ts'

test('a consumer tag has at most 255 bytes, whatever the queue is called, and ends with its number', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 255 }), fc.nat(), (queue, number) => {
      const tag = consumerTag('millrace-some-host-1234', queue, `1.${number}`)
      expect(Buffer.byteLength(tag)).toBeLessThanOrEqual(255)
      expect(tag.endsWith(`-1.${number}`)).toBe(true)
    }),
  )
  expect(consumerTag('host', 'orders', '1.2')).toBe('host-orders-1.2')
  expect(Buffer.byteLength(consumerTag('host', 'ü'.repeat(127), '1.2'))).toBeLessThanOrEqual(255)
})
