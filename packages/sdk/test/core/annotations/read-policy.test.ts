import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AnnotationProblem } from '../../../src/contract/functions-view.ts'
import { ProblemList } from '../../../src/core/annotations/problem-list.ts'
import { readPolicy } from '../../../src/core/annotations/read-policy.ts'
import { defaultPolicy } from '../../../src/core/function-policy.ts'
import type { FunctionPolicy } from '../../../src/core/function-policy.ts'
import { event } from '../filter/events.ts'
import { hostileText } from '../hostile-text.ts'

const own = 'com.openfaas.connector.'
const retry = 'com.openfaas.retry.'

const read = (
  annotations: Iterable<readonly [string, string]>,
  known: readonly string[] = [],
): { readonly policy: FunctionPolicy; readonly problems: readonly AnnotationProblem[] } => {
  const problems = new ProblemList('fn.dev', 20)
  const options = { defaults: defaultPolicy, knownAnnotations: new Set(known) }
  const policy = readPolicy('fn.dev', 'r1', new Map(annotations), options, problems)
  return { policy, problems: problems.toArray() }
}

describe('what annotations say', () => {
  test('nothing said: the defaults', () => {
    expect(
      read([
        ['topic', 'x'],
        ['other', 'y'],
      ]),
    ).toEqual({ policy: { ...defaultPolicy, function: 'fn.dev', revision: 'r1' }, problems: [] })
  })

  test.each<[string, string, Partial<FunctionPolicy>]>([
    ['order', 'key', { order: 'key' }],
    ['order', ' partition ', { order: 'partition' }],
    ['concurrency', '1', { concurrency: 1 }],
    ['rate', '100/s', { ratePerSecond: 100 }],
    ['rate', '6000/m', { ratePerSecond: 100 }],
    ['rate', '1800/h', { ratePerSecond: 0.5 }],
    ['rate', '0.5/s', { ratePerSecond: 0.5 }],
    ['timeout', '1m30s', { timeoutMs: 90_000 }],
    ['async', 'true', { async: true }],
    ['async', '1', { async: true }],
    ['async', 'false', { async: false }],
    ['content-type', 'application/json; charset=utf-8', { contentType: 'application/json; charset=utf-8' }],
    ['dead-letter', 'hold', { deadLetter: 'hold' }],
  ])('%s %s', (name, text, expected) => {
    const { policy, problems } = read([[own + name, text]])
    expect(policy).toEqual({ ...defaultPolicy, function: 'fn.dev', revision: 'r1', ...expected })
    expect(problems).toEqual([])
  })

  test('the filter is compiled', () => {
    const { policy } = read([[`${own}filter`, 'topic=a']])
    expect(policy.filter?.(event({ topic: 'a' }))).toBe(true)
    expect(policy.filter?.(event({ topic: 'b' }))).toBe(false)
  })

  test('the retry names of OpenFaaS', () => {
    const { policy, problems } = read([
      [`${retry}attempts`, '3'],
      [`${retry}codes`, '429, 502,,'],
      [`${retry}min_wait`, '10s'],
      [`${retry}max_wait`, '120s'],
    ])
    expect(policy.retry).toEqual({ ...defaultPolicy.retry, attempts: 3, codes: new Set([429, 502]), minWaitMs: 10_000, maxWaitMs: 120_000 })
    expect(problems).toEqual([])
  })

  test('one bound of the wait moves the other default along', () => {
    expect(read([[`${retry}min_wait`, '2m']]).policy.retry).toMatchObject({ minWaitMs: 120_000, maxWaitMs: 120_000 })
    expect(read([[`${retry}max_wait`, '100ms']]).policy.retry).toMatchObject({ minWaitMs: 100, maxWaitMs: 100 })
  })
})

describe('what is wrong', () => {
  test.each([
    [`${own}order`, 'fifo'],
    [`${own}order`, ''],
    [`${own}concurrency`, '0'],
    [`${own}concurrency`, '1e3'],
    [`${own}concurrency`, '-1'],
    [`${own}concurrency`, '10001'],
    [`${own}rate`, '100'],
    [`${own}rate`, '0/s'],
    [`${own}rate`, '1/d'],
    [`${own}rate`, '9999999/s'],
    [`${own}timeout`, '30'],
    [`${own}timeout`, '0s'],
    [`${own}timeout`, '-1s'],
    [`${own}timeout`, '25h'],
    [`${own}async`, 'yes'],
    [`${own}content-type`, 'json'],
    [`${own}content-type`, 'a/b\r\nX-Evil: 1'],
    [`${own}content-type`, 'a/b;\u0000'],
    [`${own}dead-letter`, 'delete'],
    [`${own}filter`, 'a b c'],
    [`${retry}attempts`, '0'],
    [`${retry}codes`, '200'],
    [`${retry}codes`, '500,x'],
    [`${retry}codes`, ''],
    [`${retry}min_wait`, '10'],
    [`${own}concurrency`, '9'.repeat(1_000_000)],
    [`${own}content-type`, `a/${'b;'.repeat(500_000)}`],
    [`${retry}codes`, '500,'.repeat(250_000)],
  ])('%s: %.40s is reported and the default stands', (name, text) => {
    const { policy, problems } = read([[name, text]])
    expect(policy).toEqual({ ...defaultPolicy, function: 'fn.dev', revision: 'r1' })
    expect(problems).toEqual([{ function: 'fn.dev', annotation: name, reason: expect.stringContaining('the default stands') as string }])
  })

  test('waits that cross are both refused, the rest stands', () => {
    const { policy, problems } = read([
      [`${retry}min_wait`, '2m'],
      [`${retry}max_wait`, '1m'],
      [`${retry}attempts`, '4'],
    ])
    expect(policy.retry).toEqual({ ...defaultPolicy.retry, attempts: 4 })
    expect(problems).toHaveLength(1)
  })

  test('a bad value leaves the good ones alone', () => {
    const { policy, problems } = read([
      [`${own}order`, 'key'],
      [`${own}concurrency`, 'many'],
    ])
    expect(policy).toMatchObject({ order: 'key', concurrency: 32 })
    expect(problems).toHaveLength(1)
  })
})

describe('unknown names', () => {
  test('are reported under the prefix only', () => {
    const { problems } = read([
      [`${own}concurency`, '1'],
      ['com.example.x', '1'],
      [`${retry}backoff`, 'full'],
    ])
    expect(problems.map(({ annotation }) => annotation)).toEqual([`${own}concurency`])
    expect(problems[0]?.reason).toContain('concurrency')
  })

  test('are no problem when a source declares them, by name or by the part before a dot', () => {
    const known = [`${own}timezone`, `${own}schedule.`]
    expect(
      read(
        [
          [`${own}timezone`, 'UTC'],
          [`${own}schedule.nightly`, '@daily'],
        ],
        known,
      ).problems,
    ).toEqual([])
    expect(
      read(
        [
          [`${own}timezones`, 'UTC'],
          [`${own}ordr`, 'key'],
        ],
        known,
      ).problems.map(({ reason }) => reason),
    ).toEqual([expect.stringContaining(`did you mean ${own}timezone?`), expect.stringContaining(`did you mean ${own}order?`)])
  })

  test('are no problem when they are near to none that is known: another connector may read them', () => {
    expect(
      read([
        [`${own}jitter`, '5s'],
        [`${own}schedule`, '@daily'],
      ]).problems,
    ).toEqual([])
  })

  test('batches begin with a size, and the rest has defaults', () => {
    expect(read([[`${own}batch-size`, '10']]).policy.batch).toEqual({ size: 10, windowMs: 500, maxBytes: 4_194_304, format: 'json' })
    expect(read([[`${own}batch-size`, '1']]).policy.batch).toBeUndefined()
    const lone = read([[`${own}batch-window`, '1s']])
    expect([lone.policy.batch, lone.problems[0]?.reason]).toEqual([undefined, expect.stringContaining('no batches')])
  })

  test('T31 names of Object members are like any other', () => {
    const { policy, problems } = read([
      [`${own}__proto__`, '1'],
      [`${own}constructor`, '1'],
      ['__proto__', '1'],
    ])
    expect(policy).toEqual({ ...defaultPolicy, function: 'fn.dev', revision: 'r1' })
    expect(Object.getPrototypeOf(policy)).toBe(Object.prototype)
    expect(problems).toEqual([])
  })
})

test('T40 T42 no annotation makes it throw, and what it gives is always within bounds', () => {
  const words = ['order', 'concurrency', 'rate', 'timeout', 'async', 'content-type', 'filter', 'dead-letter'].map((word) => own + word)
  const name = fc.oneof(fc.constantFrom(...words, `${retry}attempts`, `${retry}codes`, `${retry}min_wait`, `${retry}max_wait`), fc.string())
  const value = fc.oneof(
    hostileText(),
    fc.integer().map(String),
    fc.tuple(fc.integer(), fc.constantFrom('s', 'ms', '/s', '/m', 'h')).map(([amount, unit]) => `${amount}${unit}`),
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 12 }), (annotations) => {
      const { policy, problems } = read(annotations)
      expect(policy.concurrency).toBeGreaterThanOrEqual(1)
      expect(policy.timeoutMs).toBeGreaterThanOrEqual(1)
      expect(policy.ratePerSecond ?? 1).toBeGreaterThan(0)
      expect(policy.retry.minWaitMs).toBeLessThanOrEqual(policy.retry.maxWaitMs)
      expect(policy.contentType ?? '').not.toMatch(/[^\t\x20-\x7E]/)
      for (const problem of problems) {
        expect(problem.reason.length).toBeLessThanOrEqual(300)
        expect(`${problem.annotation}${problem.reason}`).not.toMatch(/\p{Cc}/u)
      }
    }),
    { numRuns: 1000 },
  )
})
