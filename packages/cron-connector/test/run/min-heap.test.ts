import fc from 'fast-check'
import { expect, it } from 'vitest'
import { MinHeap } from '../../src/run/min-heap.ts'

const step = fc.record({
  action: fc.constantFrom('set', 'delete', 'pop'),
  key: fc.integer({ min: 0, max: 15 }),
  at: fc.integer({ min: 0, max: 40 }),
})

it('behaves as a sorted map, whatever is set, moved, deleted and popped', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const heap = new MinHeap<number>()
      const model = new Map<number, number>()
      for (const { action, key, at } of steps) {
        if (action === 'set') {
          heap.set(key, at)
          model.set(key, at)
        } else if (action === 'delete') {
          heap.delete(key)
          model.delete(key)
        } else {
          const popped = heap.pop()
          if (popped === undefined) expect(model.size).toBe(0)
          else {
            expect(model.get(popped)).toBe(Math.min(...model.values()))
            model.delete(popped)
          }
        }
        expect(heap.size).toBe(model.size)
        expect(heap.peek()).toBe(model.size === 0 ? undefined : Math.min(...model.values()))
      }
    }),
  )
})
