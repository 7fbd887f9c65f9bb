import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatLocal } from '../../src/run/tick-event.ts'
import { zoneOf } from '../../src/schedule/zone.ts'

const named = (name: string): NonNullable<ReturnType<typeof zoneOf>> => zoneOf(name) ?? expect.unreachable(name)

describe('zones', () => {
  it('changes are found to the second, with the offsets on both sides', () => {
    const newYork = named('America/New_York')
    const spring = Date.UTC(2026, 2, 8, 7)
    expect(newYork.nextChange(spring - 1)).toEqual({ at: spring, before: -5 * 3_600_000, after: -4 * 3_600_000 })
    expect(newYork.nextChange(spring).at).toBe(Date.UTC(2026, 10, 1, 6))
    expect(newYork.lastChange(spring, 1000)?.at).toBe(spring)
    expect(newYork.lastChange(spring + 86_400_000, 86_400_000)).toBeUndefined()
    expect(newYork.lastChange(spring - 1, 86_400_000)).toBeUndefined()
  })

  it('a zone without changes says so, a year or more ahead', () => {
    const from = Date.UTC(2026, 5, 1)
    const { at, before, after } = named('UTC').nextChange(from)
    expect([before, after]).toEqual([0, 0])
    expect(at - from).toBeGreaterThan(365 * 86_400_000)
  })

  it('offsets are those of Intl, everywhere', () => {
    const instant = fc.integer({ min: Date.UTC(1995, 0, 1) / 1000, max: Date.UTC(2040, 0, 1) / 1000 })
    fc.assert(
      fc.property(
        fc.constantFrom('Europe/London', 'Australia/Lord_Howe', 'Pacific/Apia', 'America/Caracas', 'Asia/Pyongyang'),
        instant,
        (name, second) => {
          const local = new Date(second * 1000).toLocaleString('sv-SE', { timeZone: name })
          const offset = named(name).offsetAt(second * 1000)
          expect(
            formatLocal(second * 1000, offset)
              .slice(0, 19)
              .replace('T', ' '),
          ).toBe(local)
        },
      ),
      { numRuns: 200 },
    )
  })

  it.each(['', 'Mars/Phobos', '+01:00', '../UTC', 'Local', 'constructor', 'UTC '])('%j is none', (name) =>
    expect(zoneOf(name)).toBeUndefined(),
  )
})

describe('local times', () => {
  it.each([
    [0, 0, '1970-01-01T00:00:00+00:00'],
    [1500, 20_700_000, '1970-01-01T05:45:01.500+05:45'],
    [0, -12_600_000, '1969-12-31T20:30:00-03:30'],
  ])('%i %i', (at, offset, text) => expect(formatLocal(at, offset)).toBe(text))
})
