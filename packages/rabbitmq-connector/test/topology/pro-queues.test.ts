import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readProQueues } from '../../src/topology/pro-queues.ts'

describe('queues in the form of the Pro connector', () => {
  it('are read with their flags, false where they are missing', () => {
    const text =
      '[{"name":"orders","durable":true,"nowait":false,"autodelete":false,"exclusive":false},{"name":"tmp","autodelete":"true"},"plain"]'
    expect(readProQueues(text)).toEqual({
      value: [
        { name: 'orders', durable: true, autoDelete: false, exclusive: false },
        { name: 'tmp', durable: false, autoDelete: true, exclusive: false },
        { name: 'plain', durable: true, autoDelete: false, exclusive: false },
      ],
    })
    expect(readProQueues('[]')).toEqual({ value: [] })
  })

  it.each([
    ['{"name":"a"}', 'no list'],
    ['[{"durable":true}]', 'entry 1: its name'],
    ['["a",{"name":"a"}]', 'entry 2: a queue of this name'],
    ['[{"name":"a","autoDelete":true}]', 'entry 1: it has a field of another name'],
    ['[{"name":"a","durable":"maybe"}]', 'entry 1: durable is neither'],
    ['[{"name":""}]', 'entry 1:'],
    ['[[]]', 'entry 1: it is no object'],
    ['[', 'not JSON'],
    ['[{"name":"a","__proto__":{"durable":true}}]', 'entry 1: it has a field of another name'],
  ])('%s is refused', (text, reason) => {
    expect(readProQueues(text)).toEqual({ problem: expect.stringContaining(reason) })
  })

  it('never throw', () => {
    fc.assert(fc.property(fc.oneof(fc.json(), fc.string()), (text) => void readProQueues(text)))
  })
})
