import { createConnector } from '@millrace/sdk'
import { CountingSource } from './counting-source.ts'

/** Events per second of a connector whose source has `count` events of 1 KiB waiting for one function of topic `t`. */
export const runConnector = async (url: string, body: Uint8Array, concurrency: number, count: number): Promise<number> => {
  const source = new CountingSource({
    count,
    event: (n) => ({ id: `e-${n}`, source: 'bench', type: 'bench', topic: 't', data: body, contentType: 'application/json', headers: [] }),
  })
  const connector = createConnector({ gateway: { url }, source, policy: { concurrency }, limits: { maxInFlight: concurrency } })
  const start = performance.now()
  await connector.start()
  await source.done
  const seconds = (performance.now() - start) / 1000
  await connector.stop()
  return count / seconds
}
