import { Pool } from 'undici'

/** What the bare loop posts. */
export interface BareLoopOptions {
  readonly url: string
  readonly path: string
  readonly body: Uint8Array
  readonly headers: Readonly<Record<string, string>>
  readonly concurrency: number
  readonly count: number
}

/** The baseline: undici and nothing else. Resolves with the seconds that `count` posts took. */
export const bareLoop = async (options: BareLoopOptions): Promise<number> => {
  const pool = new Pool(options.url, { connections: options.concurrency, pipelining: 1 })
  const request = { method: 'POST', path: options.path, headers: options.headers, body: options.body } as const
  let left = options.count
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      const { body } = await pool.request(request)
      await body.dump()
    }
  }
  const start = performance.now()
  await Promise.all(Array.from({ length: options.concurrency }, worker))
  const seconds = (performance.now() - start) / 1000
  await pool.close()
  return seconds
}

/** The headers that a connector would send for this event, so that both sides send as many bytes. */
export const sameHeaders = (topic: string, id: string): Record<string, string> => ({
  'content-type': 'application/json',
  'user-agent': 'millrace/0.1.0',
  'x-topic': topic,
  'x-connector': 'millrace/bench-connector',
  'x-event-id': id,
  'x-delivery-attempt': '1',
  'idempotency-key': id,
})
