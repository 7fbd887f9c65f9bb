import { cutText } from '../transport/fields.ts'

/** AMQP's own limit. */
const maxBytes = 255

/** A consumer tag that shows whose it is: as much of host and queue as there is room for, and a number that no other one of the process has. */
export const consumerTag = (host: string, queue: string, number: string): string =>
  `${cutText(`${host}-${queue}`, maxBytes - 1 - number.length)}-${number}`
