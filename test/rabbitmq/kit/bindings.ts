import { waitUntil } from '../../processes/wait-until.ts'
import type { RabbitmqAdmin } from '../../servers/rabbitmq.ts'

interface Listed {
  readonly source: string
  readonly routing_key: string
}

/** The keys that a queue is bound with at an exchange, as the broker says. */
const boundKeys = async (broker: RabbitmqAdmin, queue: string, exchange: string, vhost = '/'): Promise<readonly string[]> => {
  const path = `/api/bindings/${[vhost, 'e', exchange, 'q', queue].map(encodeURIComponent).join('/')}`
  const found = (await broker.management('GET', path)) as readonly Listed[] | undefined
  return (found ?? []).map(({ routing_key: key }) => key).toSorted()
}

/** Waits until a queue is bound with these keys and no others. */
export const awaitKeys = async (broker: RabbitmqAdmin, queue: string, exchange: string, keys: readonly string[]): Promise<void> => {
  const wanted = JSON.stringify(keys.toSorted())
  let last = ''
  const look = async (): Promise<boolean> => (last = JSON.stringify(await boundKeys(broker, queue, exchange))) === wanted
  await waitUntil(look, { timeoutMs: 20_000, everyMs: 50, what: () => `the keys ${wanted}; there are ${last}` })
}
