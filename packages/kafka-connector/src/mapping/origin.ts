import type { MillraceEvent } from '@millrace/sdk'
import type { DriverRecord } from '../driver/driver.ts'
import { KafkaEvent } from './kafka-event.ts'

/** The record that an event of this process was made of; `undefined` for events from elsewhere, such as letters that were read from a file. */
export const originOf = (event: MillraceEvent): DriverRecord | undefined => (event instanceof KafkaEvent ? event.record : undefined)
