import { describe, expect, test } from 'vitest'
import { isMillraceError } from '../../src/core/errors.ts'
import { parseFaultPlan } from '../../src/testing/fault-plan-file.ts'

const mistakes = (text: string): string => {
  try {
    parseFaultPlan(text, 'plan.yaml')
    return 'none'
  } catch (error) {
    return isMillraceError(error) && error.code === 'E_FAULTPLAN_INVALID' ? error.message : String(error)
  }
}

describe('a fault plan file', () => {
  test('gives rules with durations in milliseconds and Retry-After as a header', () => {
    const plan = parseFaultPlan(`
seed: 7
rules:
  - name: slow
    match: { function: [a, b.ns], topic: 'o.*', attempt: [1, 2], nth: { every: 3 }, probability: 0.5 }
    then: { latency: 1.5s, status: 503, retryAfter: 2, headers: { X-N: 1, X-L: [a, b] }, body: later }
    times: 4
  - then: { wire: reset-mid-body, run: true, latency: 20 }
`)
    expect(plan).toEqual({
      seed: 7,
      rules: [
        {
          name: 'slow',
          match: { function: ['a', 'b.ns'], topic: 'o.*', attempt: [1, 2], nth: { every: 3 }, probability: 0.5 },
          then: { latencyMs: 1500, status: 503, body: 'later', headers: { 'X-N': '1', 'X-L': ['a', 'b'], 'Retry-After': '2' } },
          times: 4,
        },
        { then: { wire: 'reset-mid-body', run: true, latencyMs: 20 } },
      ],
    })
  })

  test('may be JSON, and may be empty', () => {
    expect(parseFaultPlan('{"rules":[{"then":{"status":500}}]}')).toEqual({ rules: [{ then: { status: 500 } }] })
    expect(parseFaultPlan('')).toEqual({ rules: [] })
  })

  test('with mistakes is refused as a whole, each with its line', () => {
    const text = ['rules:', '  - then: { status: 700 }', '  - match: { functoin: a }', '    then: { wire: explode }', '  - then: {}'].join(
      '\n',
    )
    const said = mistakes(text)
    expect(said).toContain('plan.yaml:2: rules.0.then.status: must be from 200 to 599')
    expect(said).toMatch(/plan\.yaml:3: rules\.1\.match: Unrecognized key: "functoin"/)
    expect(said).toContain('plan.yaml:4: rules.1.then.wire: must be one of hang,')
    expect(said).toContain('plan.yaml:5: rules.2.then: must say what happens')
  })

  test('that is not YAML is refused with the line', () => {
    expect(mistakes('rules:\n  - then: {')).toMatch(/plan\.yaml:\d+: not valid YAML/)
  })

  test('T29 T31 cannot split headers, reach prototypes or grow without bound', () => {
    expect(mistakes('rules: [{ then: { headers: { "X-A": "a\\r\\nX-B: b" } } }]')).toContain('must not have control characters')
    expect(mistakes('rules: [{ then: { headers: { "X A": a } } }]')).toContain('plan.yaml:1: rules.0.then.headers')
    parseFaultPlan('rules: [{ then: { status: 500, headers: { __proto__: x } } }]')
    expect(({} as Record<string, unknown>)['x']).toBeUndefined()
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x,x]',
      ...'bcdefg'.split('').map((k, i) => `${k}: &${k} [${Array(10).fill(`*${'abcdef'[i]}`).join(',')}]`),
    ]
    expect(mistakes(bomb.join('\n'))).toContain('too many aliases')
  })
})
