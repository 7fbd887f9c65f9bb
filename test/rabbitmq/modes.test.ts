import { beforeAll, describe, expect, test } from 'vitest'
import { say } from '../kafka/kit/say.ts'
import { rabbitmq, uniqueName, type SharedRabbitmq } from '../servers/rabbitmq.ts'
import { RabbitmqRun } from './kit/run.ts'
import { called, Stage } from './kit/stage.ts'

let broker: SharedRabbitmq
beforeAll(async () => {
  broker = await rabbitmq.shared()
}, 180_000)

/** Keys, and the functions of `patterns` that want each. */
const wanted: Readonly<Record<string, readonly string[]>> = {
  orders: ['hash', 'exact'],
  'orders.eu': ['star', 'hash', 'more'],
  'orders.eu.paid': ['hash', 'more', 'tail'],
  'refunds.paid': ['tail'],
  paid: ['tail'],
  ordersx: [],
}

const patterns: Readonly<Record<string, string>> = {
  star: 'orders.*',
  hash: 'orders.#',
  more: 'orders.>',
  tail: '#.paid,paid',
  exact: 'orders',
}

describe.concurrent('modes', () => {
  test(
    'exchange: one queue for all functions, each gets what its patterns fit, with the routing key as its topic',
    { timeout: 90_000 },
    async () => {
      await using stage = await Stage.open(broker)
      const gateway = await stage.gateway(
        Object.fromEntries(Object.entries(patterns).map(([name, topic]) => [name, { annotations: { topic } }])),
      )
      const mode = { rabbitmq_mode: 'exchange', rabbitmq_exchange: 'shop', rabbitmq_exchange_type: 'topic' }
      const connector = await stage.start({ gateway_url: gateway.url, ...stage.place, ...mode })
      await connector.ready()
      const keys = Object.keys(wanted)
      await stage.publish(keys.map((routingKey) => ({ exchange: 'shop', routingKey, body: routingKey })))
      // The last one that anybody wants has come, and those before it.
      await called(
        gateway,
        keys.filter((key) => (wanted[key] ?? []).length > 0),
        connector,
      )
      await connector.stop()
      for (const key of keys) {
        const calls = gateway.requests.filter((request) => request.body.toString() === key)
        const by = calls.map((request) => request.path.replace(/^\/function\//, '').replace(/\..*$/, ''))
        expect([key, by.toSorted()]).toEqual([key, [...(wanted[key] ?? [])].toSorted()])
        for (const request of calls) {
          const headers = ['x-topic', 'x-rabbitmq-routing-key', 'x-rabbitmq-exchange'].map((name) => request.header(name))
          expect(headers).toEqual([key, key, 'shop'])
        }
      }
      expect(await broker.depth('faas.exchange:shop', stage.vhost)).toEqual({ ready: 0, unacked: 0 })
    },
  )

  test(
    'stream: kill -9 under load, and it goes on from the stored position; nothing is lost, repeats are bounded',
    { timeout: 90_000 },
    async () => {
      const stream = uniqueName('stream')
      await broker.declareQueue(stream, { type: 'stream' })
      const [perSecond, prefetch, kills] = [100, 20, 1]
      const annotations = { topic: stream, 'com.openfaas.connector.queue-type': 'stream' }
      try {
        await using run = await RabbitmqRun.open({ broker, annotations, prefetch, behaviour: [{ delayMs: 20 }] })
        const env = { state_dir: run.folder }
        let connector = await run.start(env)
        await connector.ready()
        const load = run.load({ perSecond, routingKey: stream })
        let bound = 0
        for (let kill = 0; kill < kills; kill += 1) {
          await run.waitForSuccesses(run.succeeded().size + 300)
          await connector.kill9()
          // What was in flight, and what was finished since the position was stored last: it is, every second.
          const since = Date.now() - 2000
          bound += prefetch + run.invocations().filter((record) => record.kind === 'end' && record.at >= since).length
          connector = await run.start(env)
        }
        await run.waitForSuccesses(run.succeeded().size + 60)
        await load.finish()
        await run.waitForSuccesses(run.published().filter(({ kind }) => kind === 'confirmed').length)
        expect((await connector.stop()).code).toBe(0)
        const { problems, confirmed, duplicated } = await run.report({ duplicateBound: bound })
        say('stream', { confirmed, duplicated, bound })
        expect(problems).toEqual([])
        // After a clean stop nothing comes again.
        const before = run.calls().length
        const last = await run.start(env)
        await last.ready()
        const after = run.load({ perSecond: 1000, total: 1, routingKey: stream })
        await after.done
        await run.waitForSuccesses(confirmed + 1)
        expect(run.calls().length).toBe(before + 1)
      } finally {
        await broker.deleteQueue(stream)
      }
    },
  )
})
