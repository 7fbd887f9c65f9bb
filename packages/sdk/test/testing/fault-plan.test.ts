import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createFaultPlan, type FaultSubject } from '../../src/testing/fault-plan.ts'
import { globMatches } from '../../src/testing/glob.ts'

const call = (more: Partial<FaultSubject> = {}): FaultSubject => ({ method: 'POST', path: '/function/pay.ns', function: 'pay.ns', ...more })
const boom = { status: 500 }

describe('a rule', () => {
  test('without a match meets calls of functions only', () => {
    const plan = createFaultPlan({ rules: [{ then: boom }] })
    expect(plan.decide(call())?.action).toEqual(boom)
    expect(plan.decide({ method: 'GET', path: '/system/functions' })).toBeUndefined()
    expect(plan.decide(call({ path: '/async-function/pay.ns' }))).toBeUndefined()
  })

  test.each([
    [{ function: 'pay' }, true],
    [{ function: 'pay.ns' }, true],
    [{ function: ['x', 'p*'] }, true],
    [{ function: 'pa' }, false],
    [{ topic: 'orders.*' }, true],
    [{ topic: 'order' }, false],
    [{ event: 'e-1' }, true],
    [{ attempt: 2 }, true],
    [{ attempt: [1, 3] }, false],
    [{ method: 'post' }, true],
    [{ path: '/function/*' }, true],
    [{ path: '/system/*' }, false],
    [{ namespace: 'ns' }, false],
  ])('with the match %j fits: %s', (match, fits) => {
    const plan = createFaultPlan({ rules: [{ match, then: boom }] })
    expect(plan.decide(call({ topic: 'orders.eu', event: 'e-1', attempt: 2 })) !== undefined).toBe(fits)
  })

  test('fires on the nth call only, counted over what fits, whichever rule fires', () => {
    const plan = createFaultPlan({
      rules: [
        { name: 'first', match: { function: 'pay', nth: 1 }, then: boom },
        { name: 'even', match: { function: 'pay', nth: { every: 2 } }, then: boom },
        { name: 'third', match: { function: 'pay', nth: [3] }, then: boom },
      ],
    })
    plan.decide(call({ function: 'other', path: '/function/other' }))
    expect(Array.from({ length: 5 }, () => plan.decide(call())?.rule)).toEqual(['first', 'even', 'third', 'even', undefined])
  })

  test('is spent after `times`, can be added and taken out', () => {
    const plan = createFaultPlan({ rules: [{ then: boom, times: 1 }] })
    expect([plan.decide(call()), plan.decide(call())].map(Boolean)).toEqual([true, false])
    const remove = plan.add({ name: 'late', then: boom })
    expect([plan.decide(call())?.rule, plan.active]).toEqual(['late', 1])
    remove()
    expect([plan.decide(call()), plan.active]).toEqual([undefined, 0])
  })

  test('with a probability fires about as often as it says, and the same for the same seed', () => {
    const draws = (seed: number): boolean[] => {
      const plan = createFaultPlan({ seed, rules: [{ match: { probability: 0.2 }, then: boom }] })
      return Array.from({ length: 2000 }, () => plan.decide(call()) !== undefined)
    }
    const hits = draws(7).filter(Boolean).length
    expect(hits).toBeGreaterThan(320)
    expect(hits).toBeLessThan(480)
    expect(draws(7)).toEqual(draws(7))
    expect(draws(7)).not.toEqual(draws(8))
  })
})

test('a pattern matches as the regular expression with `.*` for `*` would', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*', '.'), maxLength: 8 })
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 8 })
  fc.assert(
    fc.property(letters, text, (pattern, value) => {
      const wanted = new RegExp(
        `^${pattern
          .split('*')
          .map((part) => part.replaceAll('.', '\\.'))
          .join('.*')}$`,
        's',
      ).test(value)
      expect(globMatches(pattern, value)).toBe(wanted)
    }),
    { numRuns: 500 },
  )
})

test('T36 a pattern full of stars does not take long on a long text', () => {
  expect(globMatches(`${'*a'.repeat(30)}b`, 'a'.repeat(5000))).toBe(false)
}, 2000)
