import type { MillraceEvent } from '@millrace/sdk'
import type { ScheduleDefinition } from '../declare/definition.ts'
import type { Zone } from '../schedule/zone.ts'
import type { Trigger } from './plan.ts'
import type { OpenSlot } from './record.ts'

const pad = (value: number, width = 2): string => String(value).padStart(width, '0')

/** RFC 3339 in local time with its offset, e.g. `2026-11-25T09:00:00+09:00`; milliseconds only when there are some. */
export const formatLocal = (at: number, offsetMs: number): string => {
  const minutes = Math.trunc(offsetMs / 60_000)
  const local = new Date(at + minutes * 60_000).toISOString().slice(0, -1).replace('.000', '')
  const size = Math.abs(minutes)
  return `${local}${minutes < 0 ? '-' : '+'}${pad(Math.floor(size / 60))}:${pad(size % 60)}`
}

type Field = readonly [string, string]

/** Many schedules fire at one instant: the newest field is kept for each name. */
const timeField = (name: string): ((at: number, zone: Zone) => Field) => {
  let known: { readonly at: number; readonly offset: number; readonly field: Field } | undefined
  return (at, zone) => {
    const offset = zone.offsetAt(at)
    if (known === undefined || known.at !== at || known.offset !== offset) known = { at, offset, field: [name, formatLocal(at, offset)] }
    return known.field
  }
}

const scheduledTime = timeField('X-Cron-Scheduled-Time')
const fireTime = timeField('X-Cron-Fire-Time')
const triggers: Readonly<Record<Trigger, Field>> = {
  schedule: ['X-Cron-Trigger', 'schedule'],
  'catch-up': ['X-Cron-Trigger', 'catch-up'],
}
const noneMissed: Field = ['X-Cron-Missed-Count', '0']

/** The event of one slot. Its id is the same however often the slot fires, so that a function can be idempotent. */
export const tickEvent = (definition: ScheduleDefinition, slot: number, open: OpenSlot, firedAt: number): MillraceEvent => {
  const { settings, timeline } = definition
  const at = slot * 1000
  const id = `${definition.id}:${slot}`
  return {
    id,
    source: '/cron',
    type: 'com.openfaas.cron.tick',
    topic: definition.topic,
    time: at,
    data: settings.payload,
    ...(settings.contentType === undefined ? {} : { contentType: settings.contentType }),
    headers: [],
    attributes: [
      ['X-Call-Id', id],
      scheduledTime(at, timeline.zone),
      fireTime(firedAt, timeline.zone),
      open.missed === 0 ? noneMissed : ['X-Cron-Missed-Count', String(open.missed)],
      triggers[open.trigger],
      ...definition.headers,
    ],
  }
}
