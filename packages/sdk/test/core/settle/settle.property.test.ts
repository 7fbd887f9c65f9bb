import fc from 'fast-check'
import { expect, test } from 'vitest'
import { defaultPolicy } from '../../../src/core/function-policy.ts'
import { backoffMs } from '../../../src/core/settle/backoff.ts'
import { classify, isGatewayRefusal, type FinishedAttempt } from '../../../src/core/settle/classify.ts'
import { parseRetryAfter } from '../../../src/core/settle/retry-after.ts'
import { settle, type RouteFacts } from '../../../src/core/settle/settle.ts'
import { settleTable } from '../../../src/core/settle/table.ts'

const response = (status: number, headers: Record<string, string> = {}, body = ''): FinishedAttempt => ({
  kind: 'response',
  reply: { status, headers, body: Buffer.from(body), truncated: false },
  durationMs: 1,
})

const failureCauses = ['connect', 'dns', 'tls-identity', 'tls', 'reset', 'timeout', 'malformed'] as const

const results: fc.Arbitrary<FinishedAttempt> = fc.oneof(
  fc
    .record({
      status: fc.integer({ min: -10, max: 1200 }),
      after: fc.oneof(fc.string(), fc.constantFrom('5', '0', '-1', 'Wed, 21 Oct 2026 07:28:00 GMT')),
    })
    .map(({ status, after }) => response(status, { 'retry-after': after })),
  fc.constantFrom(...failureCauses).map((cause): FinishedAttempt => ({ kind: 'failure', cause, detail: '', durationMs: 1 })),
)

const facts: fc.Arbitrary<RouteFacts> = fc.record({
  counted: fc.nat(100),
  waits: fc.nat(1000),
  firstAttemptAt: fc.nat(1_000_000_000),
  listed: fc.boolean(),
  gatewayDown: fc.boolean(),
  freeProbe: fc.boolean(),
  mayExhaust: fc.boolean(),
})

const { retry } = defaultPolicy

test.each([
  [200, 'S1'],
  [202, 'S1'],
  [204, 'S1'],
  [207, 'S1'],
  [299, 'S1'],
  [300, 'S8'],
  [302, 'S8'],
  [308, 'S8'],
  [400, 'S3'],
  [405, 'S3'],
  [413, 'S3'],
  [418, 'S3'],
  [451, 'S3'],
  [499, 'S3'],
  [401, 'S4'],
  [403, 'S4'],
  [404, 'S5'],
  [410, 'S10'],
  [408, 'S6'],
  [409, 'S6'],
  [425, 'S6'],
  [429, 'S6'],
  [503, 'S6'],
  [500, 'S7'],
  [502, 'S7'],
  [504, 'S7'],
  [501, 'S12'],
  [505, 'S12'],
  [599, 'S12'],
  [0, 'S11'],
  [99, 'S11'],
  [101, 'S11'],
  [600, 'S11'],
  [999, 'S11'],
])('status %i is row %s', (status, row) => {
  expect(classify(response(status)).id).toBe(row)
})

test('every result has exactly one row, and every row is reachable', () => {
  const reached = new Set<string>(['S2'])
  // Rows of a single status: chance alone misses them now and then.
  for (const status of [401, 404, 410, 500]) reached.add(classify(response(status)).id)
  fc.assert(
    fc.property(results, (result) => {
      const row = classify(result)
      expect(Object.values(settleTable)).toContain(row)
      reached.add(row.id)
    }),
    { numRuns: 3_000 },
  )
  expect([...reached].toSorted()).toEqual(Object.keys(settleTable).toSorted())
})

test('a malformed or partial batch reply wins over its status', () => {
  const ok = response(200)
  if (ok.kind !== 'response') throw new Error('unreachable')
  expect(classify({ ...ok, malformed: true }).id).toBe('S11')
  expect(classify({ ...ok, partial: true }).id).toBe('S2')
})

test('codes of the function and platform errors make a final 4xx a retry', () => {
  expect(classify(response(422), new Set([422])).id).toBe('S6')
  expect(classify(response(405, { 'x-openfaas-internal': 'proxy' })).id).toBe('S6')
  expect(classify(response(404), new Set([404])).id).toBe('S5')
})

test('P1: only the gateway’s own refusal is recognised as its own', () => {
  expect(isGatewayRefusal(response(401, { 'www-authenticate': 'Basic realm="Restricted"' }))).toBe(true)
  expect(isGatewayRefusal(response(401, {}, 'invalid credentials'))).toBe(true)
  expect(isGatewayRefusal(response(401, { 'www-authenticate': 'Bearer realm="x"' }, 'no'))).toBe(false)
  expect(isGatewayRefusal(response(200, { 'www-authenticate': 'Basic realm="Restricted"' }))).toBe(false)
})

test('the outcome is total: waits are finite and bounded, ages and counts end a route only when they may', () => {
  fc.assert(
    fc.property(results, facts, fc.nat(2_000_000_000), fc.double({ min: 0, max: 0.999, noNaN: true }), (result, given, now, random) => {
      const row = classify(result)
      const outcome = settle(row, result, given, retry, now, () => random)
      if (outcome.kind === 'retry') {
        expect(outcome.afterMs).toBeGreaterThanOrEqual(0)
        expect(outcome.afterMs).toBeLessThanOrEqual(300_000)
        if (given.freeProbe) expect(outcome.counts).toBe(false)
      }
      if (row.action.kind === 'retry' && !given.listed) expect(outcome.kind).toBe('drop')
      if (row.feeds === 'gateway' && given.gatewayDown && given.listed) expect(outcome.kind).toBe('retry')
      if (outcome.kind === 'dead-letter' && outcome.reason === 'exhausted') {
        expect(given.mayExhaust).toBe(true)
        expect(given.counted + 1).toBeGreaterThanOrEqual(retry.attempts)
      }
    }),
    { numRuns: 2_000 },
  )
})

test('back-off grows to its maximum and never passes it', () => {
  const waits = Array.from({ length: 12 }, (_, n) => backoffMs('attempts', { ...retry, jitter: 'none' }, n + 1, () => 0))
  expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000, 60_000, 60_000])
  fc.assert(
    fc.property(
      fc.constantFrom('attempts', 'not-found', 'denied', 'redirect', 'unavailable'),
      fc.integer({ min: 1, max: 10_000 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (clock, nth, random) => {
        const wait = backoffMs(clock, retry, nth, () => random)
        expect(wait).toBeGreaterThanOrEqual(0)
        expect(wait).toBeLessThanOrEqual(
          { attempts: 60_000, 'not-found': 10_000, denied: 300_000, redirect: 300_000, unavailable: 60_000 }[clock],
        )
      },
    ),
  )
})

test.each<[string | undefined, number | undefined]>([
  ['7', 7_000],
  [' 7 ', 7_000],
  ['0', 0],
  ['999999999', 300_000],
  ['Thu, 01 Jan 1970 00:01:40 GMT', 90_000],
  ['Thu, 01 Jan 1970 00:00:01 GMT', 0],
  ['-5', undefined],
  ['1.5', undefined],
  ['', undefined],
  ['soon', undefined],
  ['2026-01-01', undefined],
  [undefined, undefined],
])('T21: Retry-After %s gives %s ms', (value, expected) => {
  expect(parseRetryAfter(value, 10_000, 300_000)).toBe(expected)
})

test('Retry-After never throws and is bounded', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const wait = parseRetryAfter(text, 1_000_000, 300_000)
      expect(wait === undefined || (wait >= 0 && wait <= 300_000)).toBe(true)
    }),
  )
})

test('Retry-After below the minimum wait is raised to it', () => {
  const result = response(429, { 'retry-after': '0' })
  const given = { counted: 0, waits: 0, firstAttemptAt: 0, listed: true, gatewayDown: false, freeProbe: false, mayExhaust: true }
  expect(settle(classify(result), result, given, { ...retry, minWaitMs: 2_000 }, 0, () => 0)).toMatchObject({
    kind: 'retry',
    afterMs: 2_000,
  })
})
