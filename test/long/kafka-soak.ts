import { KafkaRun } from '../kafka/kit/run.ts'
import { kafka } from '../servers/kafka.ts'
import { HeapFloor } from './heap-floor.ts'
import type { LongPart } from './part.ts'
import { soakStep } from './soak-step.ts'

/** One connector that works for an hour: the books balance after each minute, and memory stays. */
export const kafkaSoak: LongPart = {
  name: 'kafka-soak',
  about:
    'One connector, 100 events a second for an hour; each minute the ledger is read: 0 lost, 0 repeated, memory below 256 MiB, no rising floor of the heap.',
  steps: 60,
  open: async () => {
    const server = await kafka.single({ secure: false })
    const run = await KafkaRun.open({
      brokers: server.bootstrap,
      behaviour: [{ every: 97, status: 503, times: 1_000_000 }, { delayMs: [0, 50] }],
    })
    const connector = await run.start()
    await connector.ready()
    const heap = new HeapFloor()
    return {
      step: (context) => soakStep(run, connector, heap, context),
      close: async () => {
        await run[Symbol.asyncDispose]()
        await server.stop()
      },
    }
  },
}
