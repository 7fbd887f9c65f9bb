import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RecentMarks } from '../../src/dedupe/recent-marks.ts'

test('it keeps the newest marks, each until its time, and never more than its bound', () => {
  const step = fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd', 'e'), ttl: fc.nat(50), wait: fc.nat(20) })
  fc.assert(
    fc.property(fc.nat(4), fc.array(step, { maxLength: 50 }), (max, steps) => {
      const marks = new RecentMarks(max)
      const model: { key: string; until: number }[] = []
      let now = 0
      for (const { key, ttl, wait } of steps) {
        now += wait
        const known = model.findIndex((mark) => mark.key === key)
        if (known >= 0) model.splice(known, 1)
        model.push({ key, until: now + ttl })
        marks.add(key, now + ttl)
        expect(marks.size).toBeLessThanOrEqual(max)
        // Of those that the bound lets stay; an expired one may still take a place.
        for (const [age, mark] of model.toReversed().entries()) {
          if (age < max) expect(marks.has(mark.key, mark.until - 1)).toBe(true)
          else expect(marks.has(mark.key, now)).toBe(false)
        }
      }
      for (const { key, until } of model) expect(marks.has(key, until)).toBe(false)
      expect(marks.size).toBe(0)
    }),
  )
})
