import { Cron } from 'croner'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseExpression } from '../../src/schedule/expression.ts'
import { createMatcher } from '../../src/schedule/matcher.ts'
import type { Matcher } from '../../src/schedule/matcher.ts'
import { slots } from '../../src/schedule/slots.ts'
import { zoneOf } from '../../src/schedule/zone.ts'
import type { Zone } from '../../src/schedule/zone.ts'

const zoneNames = [
  'America/New_York',
  'Europe/London',
  'Europe/Dublin',
  'Europe/Berlin',
  'Australia/Lord_Howe',
  'Pacific/Chatham',
  'Africa/Cairo',
  'Asia/Beirut',
  'Antarctica/Troll',
  'Africa/Casablanca',
  'America/St_Johns',
  'America/Santiago',
  'Pacific/Apia',
  'Asia/Tehran',
  'Asia/Kathmandu',
  'UTC',
] as const

const matcherOf = (text: string, dayMatch: 'or' | 'and' = 'or'): Matcher => {
  const parsed = parseExpression(text)
  if ('problem' in parsed || parsed.value.recurrence.kind !== 'fields') throw new Error(`no fields in ${text}`)
  return createMatcher(parsed.value.recurrence.fields, dayMatch)
}

const zone = (name: string): Zone => zoneOf(name) ?? expect.unreachable(name)

const take = (
  text: string,
  name: string,
  from: number,
  count: number,
  dst?: 'vixie' | 'skip' | 'shift',
): { at: number; shifted: boolean }[] => {
  const found: { at: number; shifted: boolean }[] = []
  for (const slot of slots(matcherOf(text), zone(name), from, Infinity, dst)) {
    found.push(slot)
    if (found.length === count) break
  }
  return found
}

const single = (min: number, max: number): fc.Arbitrary<string> => fc.oneof(fc.constant('*'), fc.integer({ min, max }).map(String))
/** A start within two days of a change of the zone, or anywhere: random instants rarely meet a change. */
const instant = (name: string): fc.Arbitrary<number> => {
  const somewhere = fc.integer({ min: Date.UTC(2010, 0, 1) / 1000, max: Date.UTC(2028, 0, 1) / 1000 }).map((second) => second * 1000)
  const near = fc
    .tuple(somewhere, fc.integer({ min: -172_800, max: 172_800 }))
    .map(([at, delta]) => zone(name).nextChange(at).at + delta * 1000)
  return fc.oneof({ weight: 3, arbitrary: near }, { weight: 1, arbitrary: somewhere })
}
const scenario = fc.constantFrom(...zoneNames).chain((name) => fc.tuple(fc.constant(name), instant(name)))

describe('T27 differential against croner', () => {
  it('single values and stars agree in every zone', () => {
    const expression = fc
      .tuple(fc.oneof(fc.constant('0'), single(0, 59)), single(0, 59), single(0, 23), single(1, 28), single(1, 12), single(0, 6))
      .filter(([second, , , day, , week]) => second !== '*' && (day === '*' || week === '*'))
    fc.assert(
      fc.property(expression, scenario, (fields, [name, from]) => {
        const text = fields.join(' ')
        const expected = new Cron(text, { timezone: name }).nextRuns(5, new Date(from)).map((date) => date.getTime())
        expect(take(text, name, from, 5).map(({ at }) => at)).toEqual(expected)
      }),
      { numRuns: 400 },
    )
  })
})

const field = (min: number, max: number): fc.Arbitrary<string> => {
  const value = fc.integer({ min, max })
  return fc.oneof(
    fc.constant('*'),
    value.map(String),
    fc.tuple(value, value).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
    fc.array(value, { minLength: 1, maxLength: 3 }).map((values) => values.join(',')),
    fc.integer({ min: 1, max: 20 }).map((step) => `*/${step}`),
  )
}
const anyExpression = fc
  .tuple(field(0, 59), field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6))
  .map((fields) => fields.join(' '))
const anyPolicy = fc.constantFrom('vixie', 'skip', 'shift')

describe('T27 properties of the iterator', () => {
  it('is strictly ascending, on whole seconds, after the start, and its local times match unless shifted', () => {
    fc.assert(
      fc.property(anyExpression, scenario, anyPolicy, (text, [name, from], dst) => {
        const matcher = matcherOf(text)
        let before = from
        for (const { at, shifted } of take(text, name, from, 30, dst)) {
          expect(at).toBeGreaterThan(before)
          expect(at % 1000).toBe(0)
          const wall = at + zone(name).offsetAt(at)
          if (!shifted) expect(matcher.nextWall(wall, wall + 1000)).toBe(wall)
          else expect(dst === 'skip' || matcher.interval).toBe(false)
          before = at
        }
      }),
      { numRuns: 400 },
    )
  })

  it('a walk begun anywhere gives the rest of the same slots', () => {
    fc.assert(
      fc.property(
        anyExpression,
        scenario,
        anyPolicy,
        fc.integer({ min: 0, max: 11 }),
        fc.integer({ min: 0, max: 999 }),
        (text, [name, from], dst, index, millis) => {
          const all = take(text, name, from, 20, dst)
          const begin = all[index]
          if (begin === undefined) return
          expect(take(text, name, begin.at + millis, 20 - index - 1, dst)).toEqual(all.slice(index + 1))
        },
      ),
      { numRuns: 300 },
    )
  })

  it('interval schedules miss no matching second of real time', () => {
    fc.assert(
      fc.property(field(0, 59), field(0, 23), scenario, (minute, hour, [name, from]) => {
        const text = `*/20 ${minute} ${hour} * * *`
        const matcher = matcherOf(text)
        const found = take(text, name, from, 10).map(({ at }) => at)
        const expected: number[] = []
        for (let at = Math.floor(from / 1000) * 1000 + 1000; expected.length < found.length && at < from + 200_000_000; at += 1000) {
          if (at % 20_000 !== 0) continue
          const wall = at + zone(name).offsetAt(at)
          if (matcher.nextWall(wall, wall + 1000) === wall) expected.push(at)
        }
        expect(found.slice(0, expected.length)).toEqual(expected)
      }),
      { numRuns: 40 },
    )
  })
})

describe('horizon', () => {
  it('ends the walk', () => {
    const from = Date.UTC(2026, 0, 1)
    const found = [...slots(matcherOf('0 0 * * *'), zone('UTC'), from, from + 3 * 86_400_000)]
    expect(found.map(({ at }) => at - from)).toEqual([86_400_000, 172_800_000])
  })
})
