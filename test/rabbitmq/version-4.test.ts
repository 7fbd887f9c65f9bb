import { afterAll, beforeAll, expect, test } from 'vitest'
import { say } from '../kafka/kit/say.ts'
import { waitUntil } from '../processes/wait-until.ts'
import { onlyIntake, planOf, TopologyBench } from '../../packages/rabbitmq-connector/test/real/topology-kit.ts'
import { fn } from '../../packages/rabbitmq-connector/test/topology/kit.ts'
import { rabbitmq, type RabbitmqServer } from '../servers/rabbitmq.ts'
import { awaitKeys } from './kit/bindings.ts'
import { RabbitmqRun } from './kit/run.ts'

const annotation = (name: string): string => `com.openfaas.connector.${name}`

// One broker of 4.0 for both: it is the most expensive of all to start.
let broker: RabbitmqServer
beforeAll(async () => {
  broker = await rabbitmq.single({ version: '4.0' })
}, 180_000)
afterAll(() => broker?.stop(), 60_000)

test(
  'RMQ-13 RabbitMQ 4.0: deliver, retry by a delay queue, dead letter, kill -9, and other keys under load',
  { timeout: 180_000 },
  async () => {
    const behaviour = [
      { key: 'k1', attemptUpTo: 1, status: 503, headers: { 'retry-after': '1' } },
      // Refused for good.
      { key: 'k2', status: 400 },
      { delayMs: 10 },
    ]
    await using run = await RabbitmqRun.open({ broker, mode: 'binding', behaviour, delays: ['1s'] })
    const env = { state_dir: run.folder }
    const first = await run.start(env)
    await first.ready()
    await awaitKeys(broker, run.queue, run.queue, ['orders.*'])
    const load = run.load({ perSecond: 100 })
    await run.waitForSuccesses(150)
    const deferred = (await first.metrics()).sum('millrace_events_deferred_total')
    await first.kill9()

    const second = await run.start(env)
    await second.ready()
    const keys = ['orders.#']
    await run.functions.setFunctions([
      {
        name: 'orders',
        annotations: {
          [annotation('exchange')]: run.queue,
          [annotation('routing-keys')]: keys.join(','),
          [annotation('queue')]: run.queue,
        },
      },
    ])
    await awaitKeys(broker, run.queue, run.queue, keys)
    await run.waitForSuccesses(run.succeeded().size + 100)
    await load.finish()
    expect(load.refused).toBe(0)
    await run.drained()
    await waitUntil(async () => (await second.metrics()).sum('millrace_inflight_events') === 0, {
      timeoutMs: 10_000,
      what: 'an idle connector',
    })
    const result = await run.report({ kills: 1, lettersExpected: true, metrics: await second.metrics() })
    const { confirmed, duplicated, deadLettered, problems } = result
    say('RabbitMQ 4.0', { confirmed, duplicated, deferred, letters: deadLettered.length })
    expect(problems).toEqual([])
    expect(deferred).toBeGreaterThan(0)
    // One letter for each event of the key that is refused; a kill between letter and acknowledgement may make a second.
    const refused = run.published().filter((record) => record.kind === 'sent' && record.key === 'k2').length
    expect(new Set(deadLettered.map(({ id }) => id)).size).toBe(refused)
    expect(new Set(deadLettered.map(({ reason }) => reason))).toEqual(new Set(['rejected']))
    expect((await second.stop()).code).toBe(0)
  },
)

test(
  'RabbitMQ 4.0 takes the plan for its version, and of a plan for 3.10 only the limit of letters differs',
  { timeout: 60_000 },
  async () => {
    const declared = fn('f.x', { exchange: 'events', 'exchange-type': 'topic', 'routing-keys': 'a.#' })
    await using ends = new AsyncDisposableStack()
    const bench = await TopologyBench.open(broker)
    ends.defer(() => bench.close())
    const link = await bench.link()
    expect(link.serverVersion).toMatch(/^4\.0\./)
    const now = onlyIntake(planOf([declared], { serverVersion: link.serverVersion }))
    await bench.applier().apply(link, onlyIntake(planOf([declared], { serverVersion: '3.10.8' })))
    const { drift } = await bench.applier().apply(link, now)
    expect(drift.map(({ context }) => context['name'])).toEqual(['faas.x.f.dlq'])
    expect(drift[0]?.message).toContain("inequivalent arg 'x-delivery-limit'")
    const channel = await link.openChannel()
    for (const queue of [now.queue, ...now.declare.besides.map((beside) => beside.queue)]) {
      await channel.deleteQueue(queue, { ifEmpty: false, ifUnused: false })
    }
    await channel.close()
    bench.lines.splice(0)
    const applier = bench.applier()
    expect(await applier.apply(link, now)).toMatchObject({ drift: [], tiers: now.tiers })
    expect(await applier.apply(link, now)).toMatchObject({ drift: [] })
    expect(bench.lines).toEqual([])
  },
)
