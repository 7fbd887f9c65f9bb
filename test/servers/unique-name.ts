import { randomUUID } from 'node:crypto'

/** A name for a topic, queue or group that no other test and no other run uses. */
export const uniqueName = (stem: string): string => `${stem}-${randomUUID().slice(0, 8)}`
