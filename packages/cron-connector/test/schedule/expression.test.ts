import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseExpression } from '../../src/schedule/expression.ts'
import { splitSchedules } from '../../src/schedule/split.ts'
import { createTimeline } from '../../src/schedule/timeline.ts'

const rules = { timezone: 'UTC', dst: 'vixie', dayMatch: 'or' } as const

/** The problem of a text, `undefined` when it is a schedule. */
const problemOf = (text: string): string | undefined => {
  const expression = parseExpression(text)
  if ('problem' in expression) return expression.problem
  const timeline = createTimeline(expression.value, rules)
  return 'problem' in timeline ? timeline.problem : undefined
}

const normalised = (text: string): string => {
  const expression = parseExpression(text)
  return 'value' in expression ? expression.value.normalised : expression.problem
}

describe('what robfig/cron accepts is accepted', () => {
  it.each([
    '@every 1h30m',
    '@every 500ms',
    '@every 1.5h',
    'CRON_TZ=Asia/Tokyo 0 9 * * *',
    'TZ=America/New_York 0 9 * * *',
    'TZ=UTC @daily',
    '  0   9 * *\t1-5  ',
    '? ? ? ? ?',
    '0 0 ? * MON-FRI',
    '0 0 1 JAN,jul *',
    '5/15 * * * *',
    '0 0 1/5 * *',
    '0 0 * feb/3 mon/2',
    '*/61 * * * *',
    '1-59/2 * * * *',
    '*/1 * * * *',
    '@yearly',
    '@annually',
    '@monthly',
    '@weekly',
    '@daily',
    '@midnight',
    '@hourly',
    'TZ=US/Pacific 0 0 * * *',
    'TZ=Etc/GMT+5 0 0 * * *',
    '0 0 29 2 *',
    '0 0 31 1-12 *',
  ])('%s', (text) => expect(problemOf(text)).toBeUndefined())
})

describe('and more', () => {
  it.each([
    '30 0 9 * * *',
    '0 22-2 * * sat-sun',
    '0 0 * * 7',
    '0 0 LW * *',
    '0 0 * * friL',
    'rate(5 minutes)',
    'rate(1 day)',
    '0 0 1 january sunday',
    '@Daily',
  ])('%s', (text) => expect(problemOf(text)).toBeUndefined())
})

describe('C3 what is no schedule is a problem, never a throw', () => {
  it.each([
    'TZ=UTC',
    'CRON_TZ=UTC',
    'TZ=',
    'TZ= * * * * *',
    'CRON_TZ=Mars/Phobos * * * * *',
    'TZ=+01:00 * * * * *',
    'TZ=../../etc/passwd * * * * *',
    '@reboot',
    '@every',
    '@every 5',
    '@every -5m',
    '@every 0s',
    '@every 999999h',
    '@never',
    'rate(5)',
    'rate(0 minutes)',
    'rate(5 fortnights)',
    '',
    '   ',
    '*',
    '* * * *',
    '* * * * * * *',
    '60 * * * *',
    '* 24 * * *',
    '0 0 0 * *',
    '0 0 32 * *',
    '0 0 * 13 *',
    '0 0 * * 8',
    '*/0 * * * *',
    '5/0 * * * *',
    '1-5/00 * * * *',
    '0 0 30 2 *',
    '0 0 31 4,6,9,11 *',
    '0 0 L-30 2 *',
    '0 0 31W 2 *',
    '0 0 1-99999999999 * *',
    '0 0 * janfeb *',
    '*-5 * * * *',
    '1,,2 * * * *',
    '1.5 * * * *',
    '0x5 * * * *',
    '1e1 * * * *',
    '-1 * * * *',
    '+5 * * * *',
    '0 0 * * 1#6',
    '0 0 * * L',
    '__proto__ * * * *',
    '0 0 * * constructor',
    'H * * * *',
    '0 0 1-L * *',
    `0 0 * * ${'1,'.repeat(400)}1`,
  ])('%s', (text) => {
    const problem = problemOf(text)
    expect(problem).toBeTypeOf('string')
    expect(problem?.length).toBeLessThanOrEqual(300)
  })

  it('random texts neither throw nor hang', () => {
    const piece = fc.constantFrom(
      '*',
      '?',
      '1',
      '59',
      '-',
      '/',
      ',',
      'L',
      'W',
      '#',
      ' ',
      'mon',
      'TZ=',
      'CRON_TZ=',
      'UTC',
      '@every ',
      '5m',
      ';',
      '99999999999',
      '\u202E',
      '\0',
      '@',
      'jan',
    )
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.array(piece, { maxLength: 14 }).map((parts) => parts.join('')),
      fc.array(piece, { minLength: 5, maxLength: 6 }).map((parts) => parts.join(' ')),
    )
    fc.assert(
      fc.property(text, (value) => {
        const split = splitSchedules(value)
        for (const item of 'value' in split ? split.value : [value]) {
          const problem = problemOf(item)
          if (problem !== undefined) expect(/[\p{Cc}\p{Cf}]/u.test(problem) || problem.length > 300).toBe(false)
        }
      }),
      { numRuns: 1500 },
    )
  })
})

describe('spellings that mean the same have one normalised form', () => {
  it.each([
    ['@hourly', '0 * * * *'],
    ['  5/15  *   * * MON', '5/15 * ? * mon'],
    ['@every 90m', '@every 1h30m'],
    ['rate(5 minutes)', '@every 5m'],
    ['@midnight', '@daily'],
  ])('%s = %s', (a, b) => expect(normalised(a)).toBe(normalised(b)))
})

describe('splitting', () => {
  it('is bounded', () => {
    expect(splitSchedules('@daily;'.repeat(33))).toHaveProperty('problem')
    expect(splitSchedules('x'.repeat(5000))).toHaveProperty('problem')
    expect(splitSchedules(' ; ;')).toHaveProperty('problem')
  })
})
