import { setTimeout as pause } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { say } from '../kafka/kit/say.ts'
import type { Connector } from '../processes/connector.ts'
import { waitUntil } from '../processes/wait-until.ts'
import { publishConfirmed, rabbitmq, uniqueName, withChannel, type SharedRabbitmq } from '../servers/rabbitmq.ts'
import { redis } from '../servers/redis.ts'
import { Bench } from './kit/bench.ts'
import { RabbitmqRun } from './kit/run.ts'

let broker: SharedRabbitmq
beforeAll(async () => {
  broker = await rabbitmq.shared()
}, 180_000)

const timeout = 120_000
const prefetch = 20

describe.concurrent('what a queue of RabbitMQ goes through', () => {
  test('T19 the gateway is away for a while: nothing is lost, nothing is tried in vain, no retry is used up', { timeout }, async () => {
    const queue = uniqueName('outage')
    await using bench = await Bench.open(broker, { orders: { annotations: { topic: queue } } })
    await bench.queue(queue, ['1s'])
    // With one retry only, whatever costs an attempt beside the one that may be cut makes a letter.
    const connector = await bench.start({
      rabbitmq_retry_delays: '1s',
      retry_attempts: '2',
      rabbitmq_prefetch: String(prefetch),
      rabbitmq_depth_interval: '1s',
    })
    let sent = 0
    await withChannel(broker.url(), async (channel) => {
      const open: Promise<void>[] = []
      const publish = async (ms: number): Promise<void> => {
        for (const end = performance.now() + ms; performance.now() < end; sent += 1) {
          open.push(publishConfirmed(channel, { exchange: '', routingKey: queue }, String(sent), { messageId: `m-${sent}` }))
          await pause(20)
        }
      }
      await publish(1000)
      await bench.gateway.down()
      await publish(4000)
      const away = await connector.metrics()
      expect(away.sum('millrace_circuit_state', { scope: 'gateway' })).toBeGreaterThan(0)
      // What is fetched is bounded; the rest is safe in its queue.
      expect((await broker.depth(queue))?.unacked).toBeLessThanOrEqual(prefetch)
      expect((await broker.depth(queue))?.ready).toBeGreaterThan(0)
      expect(away.sum('millrace_events_dead_total')).toBe(0)
      await bench.gateway.up()
      await publish(500)
      await Promise.all(open)
    })
    await bench.until(
      (requests) => new Set(requests.filter(({ status }) => status === 200).map(({ eventId }) => eventId)).size >= sent,
      `${sent} events`,
    )
    await bench.drained([queue, `${queue}.retry.1s`])
    const ids = bench.gateway.requests.map((request) => request.header('x-rabbitmq-msg-id'))
    expect(new Set(ids).size).toBe(sent)
    const attempts = bench.gateway.requests.map(({ attempt = 0 }) => attempt)
    expect(Math.max(...attempts)).toBeLessThanOrEqual(2)
    const metrics = await connector.metrics()
    say('gateway away', {
      sent,
      calls: ids.length,
      second: attempts.filter((attempt) => attempt > 1).length,
      retries: metrics.sum('millrace_retries_total'),
    })
    expect(await broker.depth(`${queue}.dlq`)).toEqual({ ready: 0, unacked: 0 })
    expect(metrics.sum('millrace_conservation_drift')).toBe(0)
  })

  test(
    'T14 a message that kills its connector each time is stopped by the delivery limit, counted, and the ones behind it go on',
    { timeout },
    async () => {
      const queue = uniqueName('deadly')
      const limit = 2
      let kill: (() => Promise<unknown>) | undefined
      let deaths = 0
      await using bench = await Bench.open(broker, {
        orders: {
          annotations: { topic: queue },
          handler: async (call) => {
            if (call.text() !== 'deadly') return
            deaths += 1
            await kill?.()
          },
        },
      })
      bench.deleteAtEnd(queue, ['1s'])
      const env = {
        rabbitmq_declare_topics: 'true',
        rabbitmq_delivery_limit: String(limit),
        rabbitmq_prefetch: '1',
        rabbitmq_retry_delays: '1s',
        rabbitmq_depth_interval: '1s',
      }
      const first = await bench.start(env)
      kill = () => first.kill9()
      await broker.publish(queue, ['deadly', 'one', 'two'])
      await first.exited
      let last = first
      // It comes as often as the limit says beyond its first time.
      while (deaths <= limit) {
        const before = deaths
        const ready = Promise.withResolvers<Connector>()
        kill = async () => (await ready.promise).kill9()
        last = await bench.start(env)
        ready.resolve(last)
        await last.exited
        expect(deaths).toBe(before + 1)
      }
      last = await bench.start(env)
      await bench.until(
        (requests) => ['one', 'two'].every((body) => requests.some((request) => request.body.toString() === body)),
        'the ones behind it',
      )
      await bench.drained([queue])
      expect(deaths).toBe(limit + 1)
      const [letter, ...more] = await broker.peek(`${queue}.dlq`)
      expect([letter?.content.toString(), more.length]).toEqual(['deadly', 0])
      expect(letter?.properties.headers?.['x-first-death-reason']).toBe('delivery_limit')
      const counted = async (): Promise<boolean> =>
        (await last.metrics()).sum('millrace_rabbitmq_letter_messages', { queue: `${queue}.dlq` }) === 1
      await waitUntil(counted, { timeoutMs: 10_000, what: 'the letter to be counted' })
    },
  )

  test(
    'T1 two replicas with dedupe in one Redis, one is killed: the other finishes; repeats with a message id stop; Redis may go and come',
    { timeout },
    async () => {
      await using store = await redis.single({ appendonly: true })
      const env = { dedupe: 'true', state_url: store.url, state_prefix: uniqueName('dedupe') }
      await using run = await RabbitmqRun.open({ broker, prefetch, env, behaviour: [{ delayMs: [30, 100] }] })
      const one = await run.start()
      const two = await run.start()
      await Promise.all([one.ready(), two.ready()])
      const load = run.load({ perSecond: 100 })
      await run.waitForSuccesses(100)
      await one.kill9()
      await run.waitForSuccesses(200)
      await load.finish()
      await run.drained()
      const finished = await run.report({ kills: 1, metrics: await two.metrics() })
      expect(finished.problems).toEqual([])
      expect(finished.succeeded).toBe(finished.confirmed)

      // Everything again: what had a message id was finished, by whichever replica.
      const calls = (): number => run.calls().length
      const again = async (ids: readonly string[], withId: boolean): Promise<void> => {
        const sent = run.published().filter((record) => record.kind === 'sent')
        await withChannel(broker.url(), async (channel) => {
          for (const { id, key, sequence } of sent.filter((record) => ids.includes(record.id)))
            await publishConfirmed(
              channel,
              { exchange: '', routingKey: run.queue },
              JSON.stringify({ id, key, sequence }),
              withId ? { messageId: id } : {},
            )
        })
        await run.drained()
      }
      const all = [...run.succeeded()]
      const before = calls()
      await again(all, true)
      expect(calls()).toBe(before)
      expect((await two.metrics()).sum('millrace_rabbitmq_repeats_total')).toBeGreaterThanOrEqual(all.length)
      await again([...all.slice(0, 10), ...all.slice(0, 10)], false)
      await again(all.slice(0, 10), false)
      expect(calls()).toBe(before + 20)

      // Redis dies: everything is delivered, and it is said.
      await store.kill9()
      await run.publish(30)
      await run.drained()
      expect(run.succeeded().size).toBe(all.length + 30)
      const away = await two.metrics()
      expect(away.sum('millrace_rabbitmq_dedupe_missed_total')).toBeGreaterThan(0)
      expect(two.logs().filter((line) => String(line['msg']).startsWith('dedupe: not looking for marks')).length).toBe(1)
      await store.start()
      const back = (): boolean => two.logs().some((line) => String(line['msg']).startsWith('dedupe: looking for marks again'))
      const marking = (): boolean => two.logs().some((line) => String(line['msg']).startsWith('dedupe: writing marks again'))
      await waitUntil(
        async () => {
          if (!back() || !marking()) await run.publish(1)
          return back() && marking()
        },
        { timeoutMs: 30_000, everyMs: 200, what: () => `Redis to be used again\n${two.output().slice(-3000)}` },
      )
      await run.publish(20)
      await run.drained()
      // A replica that remembers nothing itself knows what was finished before the crash of Redis, and after it.
      expect(await two.stop()).toEqual({ code: 0, signal: null })
      const three = await run.start()
      await three.ready()
      const known = [...all.slice(0, 20), ...[...run.succeeded()].slice(-20)]
      const then = calls()
      await again(known, true)
      expect(calls()).toBe(then)
      say('dedupe', {
        events: finished.confirmed,
        duplicated: finished.duplicated,
        missed: away.sum('millrace_rabbitmq_dedupe_missed_total'),
      })
    },
  )

  test(
    'T24 a single active consumer keeps the order while heads fail, and over the death of the replica that had the queue',
    { timeout },
    async () => {
      const env = { rabbitmq_single_active_consumer: 'true' }
      const behaviour = [{ every: 7, attemptUpTo: 2, status: 500 }, { delayMs: 5 }]
      await using run = await RabbitmqRun.open({ broker, mode: 'binding', keys: 1, prefetch, env, behaviour })
      const replicas = [await run.start(), await run.start()]
      await Promise.all(replicas.map((replica) => replica.ready()))
      const load = run.load({ perSecond: 40 })
      await run.waitForSuccesses(40)
      const busy = await Promise.all(
        replicas.map(async (replica) => (await replica.metrics()).sum('millrace_rabbitmq_delivered_total') > 0),
      )
      // One of them has all, the other waits.
      expect(busy.filter(Boolean)).toHaveLength(1)
      await replicas[busy.indexOf(true)]?.kill9()
      await run.waitForSuccesses(120)
      await load.finish()
      await run.drained()
      const found = await run.report({ kills: 1, order: 'key' })
      expect(found.problems).toEqual([])
      expect(found.succeeded).toBe(found.confirmed)
      say('single active consumer', { events: found.confirmed, calls: found.calls, duplicated: found.duplicated })
      // Heads have failed, or this shows nothing.
      expect(run.calls().filter(({ status }) => status === 500).length).toBeGreaterThan(10)
    },
  )
})
