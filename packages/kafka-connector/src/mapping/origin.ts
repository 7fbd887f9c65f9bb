import type { MillraceEvent } from '@millrace/sdk'
import type { DriverRecord } from '../driver/driver.ts'

const origins = new WeakMap<MillraceEvent, DriverRecord>()

/**
 * Remembers the record of an event: a dead letter must hold the original bytes, which an event no longer has once its value was decoded
 * or its CloudEvent unfolded. Held as long as the event is.
 */
export const rememberOrigin = (event: MillraceEvent, record: DriverRecord): MillraceEvent => {
  origins.set(event, record)
  return event
}

/** The record that an event of this process was made of; `undefined` for events from elsewhere, such as letters that were read from a file. */
export const originOf = (event: MillraceEvent): DriverRecord | undefined => origins.get(event)
