import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dedupeIdOf } from '../../src/mapping/dedupe-id.ts'
import { messageToEvent } from '../../src/mapping/message-to-event.ts'
import type { DeliveredMessage } from '../../src/transport/message.ts'
import { context, message, plan, properties, table } from './messages.ts'

const idOf = (from: DeliveredMessage, mode: 'queue' | 'stream' = 'queue'): string | undefined =>
  dedupeIdOf(messageToEvent(from, plan({ mode }), context).event)

test('the id of an event is one to know it by where its producer gave a message id, and a delayed retry has the same', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 200, unit: 'grapheme' }), (messageId) => {
      const from = message({ properties: properties({ messageId }) })
      const { event } = messageToEvent(from, plan(), context)
      expect(dedupeIdOf(event)).toBe(event.id)
      const headers = table(['millrace-event-id', event.id], ['millrace-target', 'ship'], ['millrace-attempt', '1'])
      const copy = message({ exchange: '', routingKey: plan().queue, properties: properties({ messageId, headers }) })
      expect(idOf(copy)).toBe(event.id)
    }),
  )
})

test.each([
  ['the id of a CloudEvent', table(['ce-specversion', '1.0'], ['ce-id', '1'], ['ce-source', '/s'], ['ce-type', 't']), 'queue'],
  ['a position in a stream', table(['x-stream-offset', 7]), 'stream'],
  ['equal content', table(), 'queue'],
] as const)('%s is none', (_what, headers, mode) => {
  const { messageId: _, ...others } = properties({ headers })
  expect(idOf(message({ properties: others }), mode)).toBeUndefined()
  expect(idOf(message({ properties: { ...others, messageId: '' } }), mode)).toBeUndefined()
})

test('an event from elsewhere has none', () => {
  expect(dedupeIdOf({ ...messageToEvent(message(), plan(), context).event })).toBeUndefined()
})
