import { appendTo, type Position, type PublishRecord } from './records.ts'

/** An event to publish. */
export interface LedgerEvent {
  readonly id: string
  readonly key: string
  /** Per key, from 0, without gaps. */
  readonly sequence: number
  /** JSON of the three, padded to the size that was asked for: what the function's side reads. */
  readonly body: string
}

export interface PublisherOptions {
  /** The file of the publishing side. */
  readonly path: string
  /** Events are spread over so many keys, in turn. */
  readonly keys: number
  /** Makes ids unique over several publishers and runs. @default 'e' */
  readonly prefix?: string
  /** Size of the body in bytes, if it is not larger anyway. @default 0 */
  readonly bytes?: number
}

/** The publishing side of the ledger. */
export interface Publisher {
  /** The next event, noted as sent. Publish it, then say `confirm`. */
  next(): LedgerEvent
  /** The source has it, at this position if it has positions. */
  confirm(event: LedgerEvent | string, position?: Position): void
  readonly sent: number
  readonly confirmed: number
  close(): void
}

/** Notes every event in a file: before it is sent, and once the source has it. */
export const createPublisher = (options: PublisherOptions): Publisher => {
  const file = appendTo<PublishRecord>(options.path)
  let sent = 0
  let confirmed = 0
  return {
    next: () => {
      const id = `${options.prefix ?? 'e'}-${sent}`
      const key = `k${sent % options.keys}`
      const sequence = Math.floor(sent / options.keys)
      sent++
      file.add({ kind: 'sent', id, key, sequence })
      const bare = JSON.stringify({ id, key, sequence })
      const missing = (options.bytes ?? 0) - bare.length
      const body = missing > 9 ? JSON.stringify({ id, key, sequence, pad: 'x'.repeat(missing - 9) }) : bare
      return { id, key, sequence, body }
    },
    confirm: (event, position) => {
      confirmed++
      file.add({ kind: 'confirmed', id: typeof event === 'string' ? event : event.id, ...(position !== undefined && { position }) })
    },
    get sent() {
      return sent
    },
    get confirmed() {
      return confirmed
    },
    close: () => file.close(),
  }
}
