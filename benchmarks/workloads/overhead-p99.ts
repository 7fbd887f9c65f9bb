import { createConnector, openSession, type Session, type Source, type SourceContext } from '@millrace/sdk'
import { Pool } from 'undici'
import { sameHeaders } from '../lib/bare-loop.ts'
import type { Benchmark } from '../lib/benchmark.ts'
import { startServer } from '../lib/start-server.ts'

const perSecond = 1_000
const body = Buffer.alloc(1024, 'x')

const p99 = (times: readonly number[]): number => times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? 0

/** Calls `fire` `perSecond` times a second for `count` times; falls behind by no more than a timer's tick. */
const paced = (count: number, fire: (n: number) => void): void => {
  const start = performance.now()
  let fired = 0
  const timer = setInterval(() => {
    const due = Math.min(count, Math.floor(((performance.now() - start) * perSecond) / 1000))
    for (; fired < due; fired += 1) fire(fired)
    if (fired === count) clearInterval(timer)
  }, 1)
}

const direct = async (url: string, count: number): Promise<number[]> => {
  const pool = new Pool(url, { connections: 64, pipelining: 1 })
  const request = { method: 'POST', path: '/function/noop.openfaas-fn', headers: sameHeaders('t', 'e-12345'), body } as const
  const times: number[] = []
  await new Promise<void>((resolve) => {
    paced(count, () => {
      const start = performance.now()
      void pool
        .request(request)
        .then((reply) => reply.body.dump())
        .then(() => {
          times.push(performance.now() - start)
          if (times.length === count) resolve()
        })
    })
  })
  await pool.close()
  return times
}

const ours = async (url: string, count: number): Promise<number[]> => {
  const times: number[] = []
  const done = Promise.withResolvers<void>()
  const source: Source = {
    name: 'bench',
    replay: 'broker',
    connect(context: SourceContext): Promise<Session> {
      paced(count, (n) => {
        const start = performance.now()
        context.emit({
          event: { id: `e-${n}`, source: 'bench', type: 'bench', topic: 't', data: body, contentType: 'application/json', headers: [] },
          intake: 'p0',
          ack: () => {
            times.push(performance.now() - start)
            if (times.length === count) done.resolve()
          },
          release: () => {},
        })
      })
      return Promise.resolve(openSession())
    },
  }
  const connector = createConnector({ gateway: { url }, source, policy: { concurrency: 64 } })
  await connector.start()
  await done.promise
  await connector.stop()
  return times
}

export const overheadP99: Benchmark = {
  name: 'overhead-p99',
  about: `latency that the connector adds at ${perSecond} events/s over a direct POST: the 99th percentile against 5 ms`,
  goal: { atMost: 1 },
  async run(quick) {
    await using server = await startServer({ noop: { topic: 't' } })
    const count = quick ? 5_000 : 30_000
    await direct(server.url, 2_000)
    await ours(server.url, 2_000)
    const base = p99(await direct(server.url, count))
    const with_ = p99(await ours(server.url, count))
    return { ours: Math.max(0, with_ - base), baseline: 5, unit: 'ms', notes: [`p99 ${with_.toFixed(2)} ms, direct ${base.toFixed(2)} ms`] }
  },
}
