import { describe, expect, test } from 'vitest'
import { batchEvent } from '../../../src/core/batch/batch-event.ts'
import { eventWith, kafkaCodec, valuesOf } from './events.ts'

describe('an id that other events may have too', () => {
  const event = eventWith({ ambiguousId: true })
  const item = (of = eventWith()) => ({ event: of, attempt: 1 })

  test.each([
    ['alone', event],
    ['in a batch', batchEvent([item(), item(event)], 'json')],
  ])('%s is no idempotency key: a function would take two events for one', (_, sent) => {
    const flat = kafkaCodec().encode(sent, 1)
    expect(valuesOf(flat, 'x-event-id')).toEqual([sent.id])
    expect(valuesOf(flat, 'idempotency-key')).toEqual([])
  })

  test('costs a batch without one nothing', () => {
    const batch = batchEvent([item(), item()], 'json')
    expect(valuesOf(kafkaCodec().encode(batch, 1), 'idempotency-key')).toEqual([batch.id])
  })
})
