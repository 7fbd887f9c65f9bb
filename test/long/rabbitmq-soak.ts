import { rabbitmq } from '../servers/rabbitmq.ts'
import { RabbitmqRun } from '../rabbitmq/kit/run.ts'
import { HeapFloor } from './heap-floor.ts'
import type { LongPart } from './part.ts'
import { soakStep } from './soak-step.ts'

/** One connector that works for an hour: the books balance after each minute, and memory stays. */
export const rabbitmqSoak: LongPart = {
  name: 'rabbitmq-soak',
  about:
    'One connector, 100 messages a second for an hour, some by way of a delay queue; each minute the ledger is read: 0 lost, 0 repeated, memory below 256 MiB, no rising floor of the heap.',
  steps: 60,
  open: async () => {
    const broker = await rabbitmq.single()
    const run = await RabbitmqRun.open({
      broker,
      mode: 'binding',
      delays: ['1s', '5s'],
      // The first asks to be called again later than the process waits, the second at once.
      behaviour: [
        { every: 89, status: 503, headers: { 'retry-after': '1' }, times: 1_000_000 },
        { every: 97, status: 503, times: 1_000_000 },
        { delayMs: [0, 50] },
      ],
    })
    const connector = await run.start()
    await connector.ready()
    const heap = new HeapFloor()
    return {
      step: (context) => soakStep(run, connector, heap, context),
      close: async () => {
        await run[Symbol.asyncDispose]()
        await broker.stop()
      },
    }
  },
}
