import { expect, test } from 'vitest'
import { say } from '../kafka/kit/say.ts'
import { waitUntil } from '../processes/wait-until.ts'
import { rabbitmq } from '../servers/rabbitmq.ts'
import { awaitKeys } from './kit/bindings.ts'
import { RabbitmqRun } from './kit/run.ts'

const annotation = (name: string): string => `com.openfaas.connector.${name}`

test(
  'RMQ-13 RabbitMQ 4.0: deliver, retry by a delay queue, dead letter, kill -9, and other keys under load',
  { timeout: 180_000 },
  async () => {
    await using broker = await rabbitmq.single({ version: '4.0' })
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
