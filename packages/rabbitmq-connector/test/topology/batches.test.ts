import { expect, test } from 'vitest'
import { fn, intakeOf, plan, problemsOf } from './kit.ts'

const bound = (keys: string, more: Readonly<Record<string, string>>) => ({
  exchange: 'events',
  'exchange-type': 'topic',
  'routing-keys': keys,
  ...more,
})

test('batches that can never be full, and replies to batches, are problems of their function; its queue is consumed all the same', () => {
  const of = (annotations: Readonly<Record<string, string>>, options = {}): readonly string[] => {
    const planned = plan([fn('f.a', bound('k', { 'batch-size': '50', ...annotations }))], options)
    expect(intakeOf(planned, 'faas.a.f').declare).not.toHaveProperty('keepBindings')
    return problemsOf(planned, 'f.a')
  }
  expect(of({})).toEqual([])
  expect(of({ prefetch: '50' })).toEqual([])
  expect(of({ prefetch: '49' })).toEqual([expect.stringMatching(/^batch-size: `50` is never reached: prefetch of the queue is 49/)])
  expect(of({ 'single-active-consumer': 'true' })).toEqual([expect.stringMatching(/one message at a time unless order/)])
  expect(of({ 'single-active-consumer': 'true', order: 'key' })).toEqual([])
  expect(of({}, { singleActiveConsumer: true })).toEqual([])
  expect(of({ reply: 'true' })).toEqual([expect.stringMatching(/^reply: .*reply to none of them/)])
  const planned = plan([fn('f.a', { reply: 'true', 'batch-size': '2', queue: 'auto' }), fn('g.a', { reply: 'true', queue: 'auto' })])
  expect(['f.a', 'g.a'].map((name) => planned.functions.get(name)?.reply)).toEqual([false, true])
})
