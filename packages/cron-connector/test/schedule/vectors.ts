/** One row: a schedule, its zone, where the walk begins, and the runs that follow, all in UTC. */
export interface Vector {
  readonly what: string
  readonly schedule: string
  readonly timezone: string
  readonly from: string
  readonly runs: readonly string[]
}

const row = (what: string, schedule: string, timezone: string, from: string, ...runs: string[]): Vector => ({
  what,
  schedule,
  timezone,
  from,
  runs,
})

/** The vectors of reference/cron.md 6.3. */
export const referenceVectors: readonly Vector[] = [
  row('gap: fixed job right after it', '0 2 * * *', 'America/New_York', '2026-03-07T12:00Z', '2026-03-08T07:00Z', '2026-03-09T06:00Z'),
  row(
    'gap: interval goes on',
    '*/15 * * * *',
    'America/New_York',
    '2026-03-08T06:29Z',
    '2026-03-08T06:30Z',
    '2026-03-08T06:45Z',
    '2026-03-08T07:00Z',
    '2026-03-08T07:15Z',
  ),
  row(
    'gap: merged with a real slot',
    '0 1,2,3 * * *',
    'America/New_York',
    '2026-03-08T05:30Z',
    '2026-03-08T06:00Z',
    '2026-03-08T07:00Z',
    '2026-03-09T05:00Z',
  ),
  row(
    'overlap: hourly in both passes',
    '0 * * * *',
    'America/New_York',
    '2026-11-01T04:30Z',
    '2026-11-01T05:00Z',
    '2026-11-01T06:00Z',
    '2026-11-01T07:00Z',
    '2026-11-01T08:00Z',
  ),
  row(
    'overlap: */15 of one hour in both passes',
    '*/15 1 * * *',
    'America/New_York',
    '2026-11-01T04:30Z',
    '2026-11-01T05:00Z',
    '2026-11-01T05:15Z',
    '2026-11-01T05:30Z',
    '2026-11-01T05:45Z',
    '2026-11-01T06:00Z',
    '2026-11-01T06:15Z',
    '2026-11-01T06:30Z',
    '2026-11-01T06:45Z',
    '2026-11-02T06:00Z',
  ),
  row('overlap: interval started in the second pass', '*/15 * * * *', 'America/New_York', '2026-11-01T06:05Z', '2026-11-01T06:15Z'),
  row(
    'overlap: first pass in a zone with negative DST',
    '30 1 * * *',
    'Europe/Dublin',
    '2026-10-24T12:00Z',
    '2026-10-25T00:30Z',
    '2026-10-26T01:30Z',
  ),
  row('half-hour gap', '15 2 * * *', 'Australia/Lord_Howe', '2026-10-03T00:00Z', '2026-10-03T15:30Z'),
  row('half-hour overlap', '45 1 * * *', 'Australia/Lord_Howe', '2026-04-03T20:00Z', '2026-04-04T14:45Z', '2026-04-05T15:15Z'),
  row('gap at a quarter', '50 2 * * *', 'Pacific/Chatham', '2026-09-26T00:00Z', '2026-09-26T14:00Z'),
  row('gap at midnight', '0 0 * * *', 'Africa/Cairo', '2026-04-23T00:00Z', '2026-04-23T22:00Z'),
  row('overlap before midnight', '30 23 * * *', 'Asia/Beirut', '2026-10-24T00:00Z', '2026-10-24T20:30Z', '2026-10-25T21:30Z'),
  row(
    'a day that never was',
    '0 12 * * *',
    'Pacific/Apia',
    '2011-12-29T12:00Z',
    '2011-12-29T22:00Z',
    '2011-12-30T22:00Z',
    '2011-12-31T22:00Z',
  ),
  row('two-hour gap', '30 2 * * *', 'Antarctica/Troll', '2026-03-28T12:00Z', '2026-03-29T01:00Z'),
  row('end of Ramadan', '30 2 * * *', 'Africa/Casablanca', '2026-03-21T12:00Z', '2026-03-22T02:00Z'),
  row(
    "robfig's star rule gives OR",
    '0 0 */2 * 1',
    'UTC',
    '2026-11-23T12:00Z',
    '2026-11-25T00:00Z',
    '2026-11-27T00:00Z',
    '2026-11-29T00:00Z',
    '2026-11-30T00:00Z',
  ),
  row(
    'n/step is n-max/step',
    '5/15 * * * *',
    'UTC',
    '2026-11-23T12:00Z',
    '2026-11-23T12:05Z',
    '2026-11-23T12:20Z',
    '2026-11-23T12:35Z',
    '2026-11-23T12:50Z',
  ),
]
