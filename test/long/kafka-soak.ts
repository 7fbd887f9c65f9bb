import { setTimeout as pause } from 'node:timers/promises'
import { KafkaRun } from '../kafka/kit/run.ts'
import { kafka } from '../servers/kafka.ts'
import type { LongPart } from './part.ts'

const perSecond = 100
const stepMs = 60_000
const rssLimit = 256 * 1024 * 1024

/** One connector that works for an hour: the books balance after each minute, and memory stays. */
export const kafkaSoak: LongPart = {
  name: 'kafka-soak',
  about: 'One connector, 100 events a second for an hour; each minute the ledger is read: 0 lost, 0 repeated, memory below 256 MiB.',
  steps: 60,
  open: async () => {
    const server = await kafka.single({ secure: false })
    const run = await KafkaRun.open({
      brokers: server.bootstrap,
      behaviour: [{ every: 97, status: 503, times: 1_000_000 }, { delayMs: [0, 50] }],
    })
    const connector = await run.start()
    await connector.ready()
    return {
      step: async ({ signal }) => {
        const load = run.load({ perSecond, total: (perSecond * stepMs) / 1000 })
        await Promise.race([load.done, pause(2 * stepMs, undefined, { signal, ref: false })])
        await run.drained(60_000)
        const metrics = await connector.metrics()
        const found = await run.report({ duplicateBound: 0, metrics })
        const rss = metrics.sum('millrace_process_resident_memory_bytes')
        if (found.problems.length > 0) throw new Error(found.problems.join('; '))
        if (found.confirmed !== found.succeeded) throw new Error(`${found.confirmed} confirmed, ${found.succeeded} succeeded`)
        if (rss > rssLimit) throw new Error(`memory: ${Math.round(rss / 1_048_576)} MiB`)
        return `${found.succeeded} events so far, ${Math.round(rss / 1_048_576)} MiB`
      },
      close: async () => {
        await run[Symbol.asyncDispose]()
        await server.stop()
      },
    }
  },
}
