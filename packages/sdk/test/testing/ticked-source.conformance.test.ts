import type { Source } from '../../src/contract/source.ts'
import { deliver } from '../../src/core/source/deliver.ts'
import { pollingSession } from '../../src/core/source/polling-session.ts'
import { leakGuard, manualClock, sourceConformance } from '../../src/testing/index.ts'

/** A table that is asked every minute: with the harness's clock the suite takes no minute. */
const tableSource = (rows: Map<string, Uint8Array>): Source => ({
  name: 'table',
  replay: 'broker',
  async connect(context) {
    const inHand = new Set<string>()
    return pollingSession(context, {
      intake: 'rows',
      everyMs: 60_000,
      async poll(session) {
        for (const [key, data] of rows) {
          if (session.paused('rows')) return
          if (inHand.has(key)) continue
          inHand.add(key)
          const event = { id: key, source: '/table', type: 'row', topic: 'rows', data, headers: [] }
          deliver(context, { event, intake: 'rows', ack: () => void rows.delete(key), release: () => void inHand.delete(key) })
        }
      },
    })
  },
})

leakGuard()

const clock = manualClock()
const rows = new Map<string, Uint8Array>()
let published = 0
sourceConformance({
  name: 'table on a manual clock',
  durable: true,
  clock,
  tick: (ms) => clock.advanceAsync(ms * 30_000),
  setup() {
    rows.clear()
    published = 0
  },
  create: () => tableSource(rows),
  publish(events) {
    for (const { text, data } of events) rows.set(text, data)
    published += events.length
  },
  kill: () => {},
  position: () => published - rows.size,
})
