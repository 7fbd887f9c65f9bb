import fc from 'fast-check'
import { expect, test } from 'vitest'
import { returnsOf } from '../../src/mapping/returns.ts'
import type { DeliveredMessage, FieldValue } from '../../src/transport/message.ts'

const given = (redelivered: boolean, headers: readonly (readonly [string, FieldValue])[]): DeliveredMessage => ({
  exchange: '',
  routingKey: 'q',
  body: new Uint8Array(),
  deliveryTag: 1,
  redelivered,
  properties: { headers: new Map(headers) },
})

const count: fc.Arbitrary<FieldValue> = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.constantFrom('7', true, null),
  fc.constant(Number.MAX_SAFE_INTEGER),
)

test('whatever stands in the headers, the count is a whole number from 0 to 10,000, and 0 at the first time', () => {
  fc.assert(
    fc.property(fc.boolean(), count, count, (redelivered, failed, acquired) => {
      const returns = returnsOf(
        given(redelivered, [
          ['x-delivery-count', failed],
          ['x-acquired-count', acquired],
        ]),
      )
      expect(Number.isInteger(returns) && returns >= 0 && returns <= 10_000).toBe(true)
      if (!redelivered) expect(returns).toBe(0)
    }),
  )
})

test.each<readonly [number | undefined, number | undefined, number]>([
  [3, undefined, 3],
  [3, 5, 3],
  [undefined, 5, 0],
  [90, 5, 5],
])('%s failed of %s deliveries: %s', (failed, acquired, returns) => {
  const headers = [
    ...(failed === undefined ? [] : [['x-delivery-count', failed] as const]),
    ...(acquired === undefined ? [] : [['x-acquired-count', acquired] as const]),
  ]
  expect(returnsOf(given(true, headers))).toBe(returns)
})
