import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { byteLength, functionQueue, letterQueue, letterTemplateProblem, sharedQueue, tierQueue } from '../../src/topology/names.ts'

const label = fc.stringMatching(/^[a-z0-9](?:[-a-z0-9]{0,8}[a-z0-9])?$/)
const functionName = fc.stringMatching(/^[a-zA-Z0-9](?:[-_a-zA-Z0-9]{0,8}[a-zA-Z0-9])?$/)
const queueName = fc
  .oneof(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 255 }), fc.stringMatching(/^[a-z.]{1,255}$/))
  .filter((name) => byteLength(name) <= 255)
const delays = fc.integer({ min: 1, max: 86_400_000 })

describe('names of queues', () => {
  it('are those that the documentation shows', () => {
    expect(functionQueue({ name: 'pay', namespace: 'prod' }, 'openfaas-fn')).toBe('faas.prod.pay')
    expect(functionQueue({ name: 'pay' }, 'openfaas-fn')).toBe('faas.openfaas-fn.pay')
    expect([5000, 30_000, 300_000, 1_800_000].map((delayMs) => tierQueue('orders', delayMs))).toEqual([
      'orders.retry.5s',
      'orders.retry.30s',
      'orders.retry.5m',
      'orders.retry.30m',
    ])
    expect(letterQueue('{queue}.dlq', 'orders')).toBe('orders.dlq')
    expect(letterQueue('graveyard', 'orders')).toBe('graveyard')
    expect(sharedQueue('events')).toBe('faas.exchange:events')
  })

  it('of ours never collide: not of two functions, nor what belongs to one with another', () => {
    const functions = fc.uniqueArray(fc.record({ name: functionName, namespace: label }), {
      minLength: 2,
      maxLength: 6,
      selector: ({ name, namespace }) => `${name}.${namespace}`,
    })
    fc.assert(
      fc.property(functions, fc.array(fc.stringMatching(/^[a-z.]{1,20}$/), { maxLength: 3 }), (declared, exchanges) => {
        const works = [...declared.map((each) => functionQueue(each, 'openfaas-fn')), ...new Set(exchanges.map(sharedQueue))]
        const all = works.flatMap((queue) => [queue, tierQueue(queue, 5000), tierQueue(queue, 30_000), letterQueue('{queue}.dlq', queue)])
        expect(new Set(all).size).toBe(all.length)
      }),
    )
  })

  it('have at most 255 bytes, stay the same, and stay different when they are cut', () => {
    fc.assert(
      fc.property(queueName, queueName, delays, (one, other, delayMs) => {
        for (const queue of [one, other]) {
          for (const name of [
            tierQueue(queue, delayMs),
            letterQueue('{queue}.dlq', queue),
            letterQueue('dead.{queue}', queue),
            sharedQueue(queue),
          ]) {
            expect(byteLength(name)).toBeLessThanOrEqual(255)
          }
        }
        expect(tierQueue(one, delayMs)).toBe(tierQueue(one, delayMs))
        if (one !== other) expect(tierQueue(one, delayMs)).not.toBe(tierQueue(other, delayMs))
      }),
    )
    const long = 'x'.repeat(254)
    expect(tierQueue(`${long}a`, 5000)).not.toBe(tierQueue(`${long}b`, 5000))
    expect(tierQueue(`${long}a`, 5000)).toMatch(/~[0-9a-f]{16}\.retry\.5s$/)
  })

  it('never begin as the broker’s own, which nobody may declare', () => {
    expect(tierQueue('amq.gen-1', 5000)).toBe('faas.queue:amq.gen-1.retry.5s')
    expect(letterQueue('{queue}.dlq', 'amq.gen-1')).toBe('faas.queue:amq.gen-1.dlq')
  })
})

describe('a template of dead-letter queues', () => {
  it.each(['{queue}', '', '{queue}.{queue}', '{topic}.dlq', 'a\nb', 'amq.x', `{queue}${'x'.repeat(129)}`])('is refused: %j', (template) => {
    expect(letterTemplateProblem(template)).toBeTypeOf('string')
  })

  it.each(['{queue}.dlq', 'dlq.{queue}', 'graveyard'])('is taken: %j', (template) => {
    expect(letterTemplateProblem(template)).toBeUndefined()
  })
})
