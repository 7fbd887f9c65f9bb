import type { HeaderField, MillraceEvent } from '@millrace/sdk'
import type { ScheduleDefinition } from '../declare/definition.ts'
import type { OpenSlot } from './record.ts'

const pad = (value: number, width = 2): string => String(value).padStart(width, '0')

/** RFC 3339 in local time with its offset, e.g. `2026-11-25T09:00:00+09:00`; milliseconds only when there are some. */
export const formatLocal = (at: number, offsetMs: number): string => {
  const minutes = Math.trunc(offsetMs / 60_000)
  const local = new Date(at + minutes * 60_000).toISOString().slice(0, -1).replace('.000', '')
  const size = Math.abs(minutes)
  return `${local}${minutes < 0 ? '-' : '+'}${pad(Math.floor(size / 60))}:${pad(size % 60)}`
}

/** Names of the headers that a tick carries besides the function's own. */
export const tickHeaders: readonly string[] = [
  'X-Call-Id',
  'X-Cron-Schedule',
  'X-Cron-Name',
  'X-Cron-Timezone',
  'X-Cron-Scheduled-Time',
  'X-Cron-Fire-Time',
  'X-Cron-Missed-Count',
  'X-Cron-Trigger',
]

/** The event of one slot. Its id is the same however often the slot fires, so that a function can be idempotent. */
export const tickEvent = (definition: ScheduleDefinition, slot: number, open: OpenSlot, firedAt: number): MillraceEvent => {
  const { settings, timeline } = definition
  const at = slot * 1000
  const id = `${definition.id}:${slot}`
  const attributes: HeaderField[] = [
    ['X-Call-Id', id],
    ['X-Cron-Schedule', definition.expression],
    ...(definition.name === undefined ? [] : [['X-Cron-Name', definition.name] as const]),
    ['X-Cron-Timezone', timeline.zone.name],
    ['X-Cron-Scheduled-Time', formatLocal(at, timeline.zone.offsetAt(at))],
    ['X-Cron-Fire-Time', formatLocal(firedAt, timeline.zone.offsetAt(firedAt))],
    ['X-Cron-Missed-Count', String(open.missed)],
    ['X-Cron-Trigger', open.trigger],
    ...settings.headers,
  ]
  return {
    id,
    source: '/cron',
    type: 'com.openfaas.cron.tick',
    topic: definition.topic,
    time: at,
    data: settings.payload,
    ...(settings.contentType === undefined ? {} : { contentType: settings.contentType }),
    headers: [],
    attributes,
  }
}
