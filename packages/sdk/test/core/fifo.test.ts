import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Fifo } from '../../src/core/fifo.ts'

const runs = fc.array(fc.record({ pushes: fc.nat(3000), shifts: fc.nat(3000) }), { maxLength: 6 })

test('gives what an array gives, across every cut', () => {
  fc.assert(
    fc.property(runs, (steps) => {
      const fifo = new Fifo<{ readonly n: number }>()
      let [pushed, shifted] = [0, 0]
      for (const { pushes, shifts } of steps) {
        for (let n = 0; n < pushes; n += 1) fifo.push({ n: pushed++ })
        for (let n = 0; n < shifts; n += 1) {
          const expected = shifted < pushed ? shifted++ : undefined
          if (fifo.shift()?.n !== expected) throw new Error(`not ${expected}`)
        }
        expect(fifo.size).toBe(pushed - shifted)
      }
    }),
    { numRuns: 30 },
  )
})

test('what is out can be collected, though nothing has been cut yet', async () => {
  const fifo = new Fifo<object>()
  const refs = Array.from({ length: 100 }, () => {
    const item = { big: Buffer.alloc(16) }
    fifo.push(item)
    return new WeakRef(item)
  })
  fifo.push({})
  for (let n = 0; n < 100; n += 1) fifo.shift()
  const { setFlagsFromString } = await import('node:v8')
  setFlagsFromString('--expose-gc')
  const collect = (await import('node:vm')).runInNewContext('gc') as () => void
  await new Promise((resolve) => setImmediate(resolve))
  collect()
  expect(refs.filter((ref) => ref.deref() !== undefined).length).toBeLessThan(5)
  expect(fifo.size).toBe(1)
})
