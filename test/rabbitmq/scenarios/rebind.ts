import { waitUntil } from '../../processes/wait-until.ts'
import type { RabbitmqAddresses, RabbitmqAdmin } from '../../servers/rabbitmq.ts'
import type { Connector } from '../../processes/connector.ts'
import type { LedgerFunction } from '../../ledger/function-server.ts'
import type { Report } from '../../ledger/report.ts'
import { awaitKeys } from '../kit/bindings.ts'
import { RabbitmqRun } from '../kit/run.ts'

const annotation = (name: string): string => `com.openfaas.connector.${name}`

/** The function `orders` with other keys, as the next deployment has them. */
const deployed = (queue: string, keys: readonly string[], more: Readonly<Record<string, string>> = {}): readonly LedgerFunction[] => [
  {
    name: 'orders',
    annotations: {
      [annotation('exchange')]: queue,
      [annotation('routing-keys')]: keys.join(','),
      [annotation('queue')]: queue,
      ...more,
    },
  },
  // A gateway that lists nothing at all is not believed so soon.
  { name: 'bystander' },
]

const keysOfLedger = Array.from({ length: 40 }, (_, key) => `orders.k${key}`)

/** Sets of keys that each take every event of the ledger; `next` and `last` have nothing in common. */
const rounds: readonly (readonly string[])[] = [['orders.#'], keysOfLedger, ['*.*'], ['#', 'orders.k0'], ['orders.*']]

/** Deploys `orders` again and again with other keys, under load. */
export const rebindUnderLoad = async (broker: RabbitmqAddresses & RabbitmqAdmin, perSecond: number): Promise<Report> => {
  await using run = await RabbitmqRun.open({ broker, mode: 'binding' })
  const connector = await run.start()
  await connector.ready()
  await awaitKeys(broker, run.queue, run.queue, ['orders.*'])
  const load = run.load({ perSecond })
  for (const [round, keys] of rounds.entries()) {
    // Another prefetch makes the consumer anew as well.
    await run.functions.setFunctions(deployed(run.queue, keys, { [annotation('prefetch')]: String(20 + (round % 2)) }))
    await awaitKeys(broker, run.queue, run.queue, keys)
  }
  await load.finish()
  // Nothing was returned for want of a queue, at any moment.
  if (load.refused > 0) throw new Error(`${load.refused} events found no binding`)
  await run.drained()
  await run.functions.setFunctions(deployed(run.queue, ['orders.k0']))
  await awaitKeys(broker, run.queue, run.queue, ['orders.k0'])
  return await run.report({ metrics: await connector.metrics() })
}

const consuming = async (connector: Connector): Promise<number> =>
  (await connector.metrics()).sum('millrace_rabbitmq_consumers', { state: 'consuming' })

/** Takes `orders` away and gives it back several times, under load and while retries wait. The queue stays bound all along. */
export const removeUnderLoad = async (
  broker: RabbitmqAddresses & RabbitmqAdmin,
  perSecond: number,
): Promise<{ report: Report; held: number }> => {
  const behaviour = [{ key: 'k1', attemptUpTo: 1, status: 500 }, { key: 'k2', attemptUpTo: 2, status: 503, delayMs: 50 }, { delayMs: 30 }]
  await using run = await RabbitmqRun.open({ broker, mode: 'binding', behaviour })
  const listed = deployed(run.queue, ['orders.*'])
  const [, ...others] = listed
  await run.functions.setFunctions(listed)
  // Waits are long enough for some to be waiting at any moment.
  const connector = await run.start({ retry_min_wait: '300ms', retry_max_wait: '1s' })
  await connector.ready()
  await waitUntil(async () => (await consuming(connector)) === 1, { timeoutMs: 20_000, what: 'a consumer' })
  const load = run.load({ perSecond })
  for (const pauseMs of [0, 300, 700, 1500]) {
    await waitUntil(async () => (await consuming(connector)) === 1, { timeoutMs: 20_000, what: 'a consumer' })
    await new Promise((resolve) => setTimeout(resolve, 400))
    await run.functions.setFunctions(others)
    await waitUntil(async () => (await consuming(connector)) === 0, { timeoutMs: 20_000, what: 'no consumer' })
    // Before its consumer is dismissed, in the middle of it, and after it.
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
    await run.functions.setFunctions(listed)
  }
  await load.finish()
  if (load.refused > 0) throw new Error(`${load.refused} events found no binding`)
  await run.drained()
  const metrics = await connector.metrics()
  const dropped = metrics.sum('millrace_events_dropped_total')
  if (dropped > 0) throw new Error(`${dropped} events were dropped`)
  return { report: await run.report({ metrics }), held: metrics.sum('millrace_events_released_total') }
}
