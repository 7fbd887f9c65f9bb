import type { LedgerEvent, Publisher } from './publisher.ts'

/** How fast events are written. */
export interface Pace {
  readonly publisher: Publisher
  /** Events a second. */
  readonly perSecond: number
  /** Ends by itself after so many events. @default never */
  readonly total?: number
}

/** Events that are being written to a source. */
export interface Load {
  /** Sends that were refused: whether their events have arrived is not known, and they are not confirmed. */
  readonly refused: number
  /** No more events; resolves when the last one is confirmed or refused. */
  finish(): Promise<void>
  /** Resolves when `total` events are through. */
  readonly done: Promise<void>
}

/** Where a load writes to. It confirms events at the publisher. */
export interface LoadTarget {
  push(event: LedgerEvent): void
  /** Called after some were pushed. */
  flush(): void
  /** The load skips ticks then: what the source does not take does not pile up here. */
  isFull(): boolean
  refused(): number
  /** Resolves when nothing is on its way. */
  close(): Promise<void>
}

const tickMs = 25

/** Writes events of the ledger at a steady rate. */
export const startPacedLoad = ({ publisher, perSecond, total = Infinity }: Pace, target: LoadTarget): Load => {
  const before = publisher.sent
  const { promise: done, resolve } = Promise.withResolvers<void>()
  const start = performance.now()
  let skipped = 0
  const closeAll = async (): Promise<void> => {
    clearInterval(timer)
    await target.close()
    resolve()
  }
  const tick = (): void => {
    const due = before + Math.min(total, Math.floor(((performance.now() - start) / 1000) * perSecond) - skipped)
    if (due <= publisher.sent) return
    if (target.isFull()) {
      skipped += due - publisher.sent
      return
    }
    while (publisher.sent < due) target.push(publisher.next())
    target.flush()
    if (publisher.sent >= before + total) void closeAll()
  }
  const timer = setInterval(tick, tickMs)
  return {
    get refused() {
      return target.refused()
    },
    finish: async () => {
      void closeAll()
      await done
    },
    done,
  }
}
