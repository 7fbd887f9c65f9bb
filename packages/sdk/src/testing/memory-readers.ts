import { offsetWindow } from '../core/window/offset-window.ts'
import type { OffsetWindow } from '../core/window/offset-window.ts'
import type { MemoryConnection } from './memory-log.ts'
import type { StoredRecord } from './memory-record.ts'

/** A record with what its delivery's two ways out mean for the broker. */
export interface ReadRecord {
  readonly record: StoredRecord
  ack(): void
  release(): void
}

/** Reads the intakes of one session, and acknowledges in one of the two ways that brokers know. */
export interface MemoryReader {
  next(intake: string): ReadRecord | undefined
  /** The intake was taken away and came back: begin at the committed position; what was read before is fenced. */
  reset(intake: string): void
}

/** Acknowledges one by one, like RabbitMQ. */
export const memoryQueueReader = (connection: MemoryConnection): MemoryReader => {
  const held = new Map<string, Set<ReadRecord>>()
  return {
    next(intake) {
      const record = connection.take(intake)
      if (record === undefined) return undefined
      const tickets = held.get(intake) ?? new Set<ReadRecord>()
      held.set(intake, tickets)
      const ticket: ReadRecord = {
        record,
        ack: () => void (tickets.delete(ticket) && connection.ack(intake, record.offset)),
        release: () => void (tickets.delete(ticket) && connection.giveBack(intake, record.offset)),
      }
      tickets.add(ticket)
      return ticket
    },
    reset(intake) {
      for (const ticket of held.get(intake) ?? []) ticket.release()
    },
  }
}

interface Stream {
  readonly window: OffsetWindow<number>
  cursor: number
  committed: number
}

/** Moves a position over the contiguous prefix of acknowledged records, like Kafka. A release leaves it where it is: the record comes again with the next session or ownership. */
export const memoryStreamReader = (connection: MemoryConnection): MemoryReader => {
  const streams = new Map<string, Stream>()
  const begin = (intake: string): Stream => {
    const committed = connection.committed(intake)
    const stream = { window: offsetWindow(16), cursor: committed, committed }
    streams.set(intake, stream)
    return stream
  }
  return {
    next(intake) {
      const stream = streams.get(intake) ?? begin(intake)
      const record = connection.read(intake, stream.cursor)
      if (record === undefined) return undefined
      stream.cursor = record.offset + 1
      const seq = stream.window.push(record.offset, stream.cursor)
      const ack = (): void => {
        stream.window.complete(seq)
        const point = stream.window.commitPoint ?? stream.committed
        if (point <= stream.committed || streams.get(intake) !== stream) return
        stream.committed = point
        connection.commit(intake, point)
      }
      return { record, ack, release: () => {} }
    },
    reset(intake) {
      begin(intake)
    },
  }
}
