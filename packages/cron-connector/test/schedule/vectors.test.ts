import { describe, expect, it } from 'vitest'
import { nextRuns } from '@millrace/cron-connector'
import { referenceVectors } from './vectors.ts'

const iso = (text: string): string => new Date(text).toISOString()

describe('T27 the vectors of the reference', () => {
  it.each(referenceVectors)('$schedule $timezone: $what', ({ schedule, timezone, from, runs }) => {
    const found = nextRuns(schedule, { timezone, from: new Date(from), count: runs.length })
    expect(found.map((date) => date.toISOString())).toEqual(runs.map(iso))
  })
})
