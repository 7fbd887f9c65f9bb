import { choice, duration, setting, text } from '@millrace/sdk'
import type { Component, SettingType } from '@millrace/sdk'
import type { CronDefaults } from './declare/settings.ts'
import { zoneOf } from './schedule/zone.ts'

const plain = text({ maxLength: 96 })

/** An IANA name that the ICU data of this Node knows. */
const zone: SettingType<string> = {
  ...plain,
  allowed: 'an IANA time zone, such as UTC or Europe/Berlin',
  parse(raw) {
    const parsed = plain.parse(raw)
    return parsed.ok && zoneOf(parsed.value) === undefined ? { ok: false, reason: 'there is no such time zone' } : parsed
  },
}

/** The settings of the cron connector: what holds for every schedule unless its function's annotations say otherwise. */
export const cronSettings: Component<CronDefaults> = {
  title: 'Cron',
  settings: {
    timezone: setting({
      name: 'timezone',
      aliases: ['tz'],
      type: zone,
      default: 'UTC',
      describe: 'Time zone of schedules that name none.',
      example: 'Europe/Berlin',
      foreign: (variable, value) =>
        variable.toLowerCase() === 'tz' && zoneOf(value) === undefined
          ? 'TZ holds no IANA name; schedules stay in UTC, set timezone'
          : undefined,
    }),
    dst: setting({
      name: 'dst',
      type: choice(['vixie', 'skip', 'shift']),
      default: 'vixie',
      describe: 'A fixed time that a change of the clocks skips: run once right after it, not at all, or later by the change.',
      example: 'skip',
    }),
    dayMatch: setting({
      name: 'day_match',
      type: choice(['or', 'and']),
      default: 'or',
      describe: 'Whether day of month or day of week is enough when both are restricted.',
      example: 'and',
    }),
    overlap: setting({
      name: 'overlap',
      type: choice(['allow', 'forbid', 'buffer-one']),
      default: 'allow',
      describe: 'A slot that comes while an earlier run is not settled: run too, skip, or run the latest one afterwards.',
      example: 'forbid',
    }),
    catchUp: setting({
      name: 'catch_up',
      type: choice(['none', 'last', 'all']),
      default: 'last',
      describe: 'Slots that were missed while the connector was down: none of them, the last, or all (at most 100).',
      example: 'all',
    }),
    catchUpWindowMs: setting({
      name: 'catch_up_window',
      type: duration('0s', '744h'),
      default: '5m',
      describe: 'How far back missed slots are looked for.',
      example: '1h',
    }),
    jitterMs: setting({
      name: 'jitter',
      type: duration('0s', '24h'),
      default: '0s',
      describe: 'Spread: each schedule fires later by its own fixed part of this.',
      example: '30s',
    }),
  },
}
