import { setTimeout as pause } from 'node:timers/promises'
import type { RecordedRequest } from '@millrace/sdk/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { say } from '../kafka/kit/say.ts'
import type { Connector } from '../processes/connector.ts'
import { waitUntil } from '../processes/wait-until.ts'
import { connectTo, publishConfirmed, rabbitmq, uniqueName, withChannel } from '../servers/rabbitmq.ts'
import { Bench, percentile } from './kit/bench.ts'

const delays = ['3s', '5s']
/** With these waits: 3 s, 5 s, and no more. */
const attempts = 3
const timeout = 90_000
const annotation = (name: string): string => `com.openfaas.connector.${name}`
const names = ['poison', 'shared', 'busy', 'asked', 'wide'] as const
type Name = (typeof names)[number]
const queues = Object.fromEntries(names.map((name) => [name, uniqueName(`retry-${name}`)])) as Readonly<Record<Name, string>>

let bench: Bench
let connector: Connector

const text = ({ body }: { readonly body: Buffer }): string => body.toString().slice(0, 64)
const isPoison = (call: { readonly body: Buffer }): boolean => text(call).startsWith('poison')

beforeAll(async () => {
  const topic = (name: Name): Readonly<Record<string, string>> => ({ topic: queues[name] })
  bench = await Bench.open(await rabbitmq.shared(), {
    orders: { annotations: topic('poison'), handler: (call) => ({ status: isPoison(call) ? 500 : 200 }) },
    first: { annotations: topic('shared') },
    second: {
      annotations: topic('shared'),
      handler: (call) => ({ status: Number(call.header('x-delivery-attempt')) < attempts ? 500 : 200 }),
    },
    third: { annotations: topic('shared') },
    busy: {
      annotations: topic('busy'),
      handler: (call) => (Number(call.header('x-delivery-attempt')) === 1 ? { status: 429, headers: { 'retry-after': '4' } } : 'ok'),
    },
    asked: {
      annotations: { ...topic('asked'), [annotation('reply')]: 'true', [annotation('reply-errors')]: 'true' },
      handler: (call) => {
        if (call.text() === 'never') return { status: 422, body: 'of no use to anybody' }
        if (call.text() === 'later' && call.header('x-delivery-attempt') === '1') return { status: 500 }
        return { headers: { 'content-type': 'text/x-answer' }, body: `answer to ${call.text()}` }
      },
    },
    wide: {
      annotations: topic('wide'),
      handler: (call) => ({ status: call.text() === 'no' || call.header('x-delivery-attempt') === '1' ? 500 : 200 }),
    },
  })
  for (const queue of Object.values(queues)) await bench.queue(queue, delays)
  connector = await bench.start({
    rabbitmq_retry_delays: delays.join(','),
    rabbitmq_prefetch: '20',
    retry_min_wait: '3s',
    retry_max_wait: '5s',
    retry_attempts: String(attempts),
  })
}, 180_000)
afterAll(() => bench[Symbol.asyncDispose](), 60_000)

const callsOf = (name: string): readonly RecordedRequest[] => bench.gateway.requestsOf(name)

describe.concurrent('retries through delay queues', () => {
  test(
    'T24 as many poison messages as are fetched at once: each is a letter after exactly its attempts, each wait is its queue’s, and the others do not notice',
    { timeout },
    async () => {
      const queue = queues.poison
      const poisons = 20
      await withChannel(bench.broker.url(), async (channel) => {
        const publish = (body: string): Promise<void> =>
          publishConfirmed(channel, { exchange: '', routingKey: queue }, body, { messageId: body })
        let sent = 0
        const open: Promise<void>[] = []
        const stream = async (phase: string, poisoned: boolean, isOver: () => boolean): Promise<void> => {
          for (let n = 0; !isOver(); n += 1) {
            open.push(publish(`${phase} ${sent++} ${Date.now()}`))
            if (poisoned && n % 4 === 0 && n / 4 < poisons) open.push(publish(`poison ${n / 4}`))
            await pause(10)
          }
        }
        const cleanUntil = performance.now() + 3000
        await stream('clean', false, () => performance.now() > cleanUntil)
        // Others succeed all the time: what fails while nobody is served is not the fault of the message, and is not given up.
        let over = false
        const lettered = bench.broker.awaitDepth(`${queue}.dlq`, { ready: poisons }).finally(() => (over = true))
        await Promise.all([stream('beside', true, () => over), lettered])
        await Promise.all(open)
      })
      await bench.drained([queue, ...delays.map((wait) => `${queue}.retry.${wait}`)])
      const calls = callsOf('orders')
      const waits = new Map<number, number[]>()
      for (const own of Map.groupBy(calls.filter(isPoison), ({ eventId }) => eventId).values()) {
        expect(own.map(({ attempt }) => attempt)).toEqual([1, 2, 3])
        for (const [index, { at }] of own.slice(1).entries()) {
          waits.set(index, [...(waits.get(index) ?? []), at - (own[index]?.at ?? 0)])
        }
      }
      for (const [index, nominal] of [3000, 5000].entries()) {
        const found = waits.get(index) ?? []
        expect(found).toHaveLength(poisons)
        for (const wait of found) {
          expect(wait).toBeGreaterThanOrEqual(nominal * 0.99)
          expect(wait).toBeLessThanOrEqual(nominal * 1.1)
        }
      }
      const latencies = (phase: string): readonly number[] =>
        calls.filter((call) => text(call).startsWith(phase)).map((call) => call.at - Number(text(call).split(' ')[2]))
      const [clean, beside] = [latencies('clean'), latencies('beside')]
      const p99 = { clean: percentile(clean, 99), beside: percentile(beside, 99) }
      say('poison', { waits: [...waits.values()].map((all) => [Math.min(...all), Math.max(...all)]), p99, calls: calls.length })
      // Waits in the process would hold every place of the prefetch for a second and more.
      expect(p99.beside).toBeLessThan(2 * p99.clean + 100)
      expect(new Set(calls.filter((call) => !isPoison(call)).map(text)).size).toBe(clean.length + beside.length)
      const letters = await bench.broker.peek(`${queue}.dlq`)
      for (const { content, properties } of letters) {
        expect(properties.headers).toMatchObject({
          'millrace-reason': 'exhausted',
          'millrace-attempts': String(attempts),
          'millrace-status': '500',
        })
        expect(content.toString()).toMatch(/^poison \d+$/)
      }
    },
  )

  test(
    'T24 three functions on one queue, one fails: that one alone is called again, with the same event and priority',
    { timeout },
    async () => {
      await bench.broker.publish(queues.shared, ['x'], { messageId: 'm-1', priority: 7 })
      await bench.until(() => callsOf('second').some(({ attempt }) => attempt === attempts), 'the last call')
      await bench.drained([queues.shared, ...delays.map((wait) => `${queues.shared}.retry.${wait}`)])
      const calls = [...callsOf('first'), ...callsOf('second'), ...callsOf('third')]
      expect(calls.map(({ attempt }) => attempt)).toEqual([1, 1, 2, 3, 1])
      expect(new Set(calls.map(({ eventId }) => eventId)).size).toBe(1)
      const shown = calls.map((call) => ['priority', 'msg-id', 'routing-key'].map((name) => call.header(`x-rabbitmq-${name}`)))
      expect(new Set(shown.map(String))).toEqual(new Set([['7', 'm-1', queues.shared].join(',')]))
    },
  )

  test('T21 429 with Retry-After: the next delay queue that is not shorter, and no call before', { timeout }, async () => {
    await bench.broker.publish(queues.busy, ['x'], { messageId: 'm-1' })
    await bench.until(() => callsOf('busy').length === 2, 'the second call')
    const [first, second] = callsOf('busy')
    const wait = (second?.at ?? 0) - (first?.at ?? 0)
    expect(wait).toBeGreaterThanOrEqual(4950)
    expect(wait).toBeLessThanOrEqual(5500)
    const metrics = await connector.metrics()
    expect(metrics.sum('millrace_rabbitmq_retries_total', { queue: queues.busy })).toBe(1)
  })

  test('replies come to the queue that the message names, at once, after a retry, and when it fails for good', { timeout }, async () => {
    const answers = `${queues.asked}.answers`
    await bench.queue(answers, [])
    for (const body of ['now', 'later', 'never'])
      await bench.broker.publish(queues.asked, [body], { messageId: body, replyTo: answers, correlationId: `c-${body}` })
    await bench.broker.awaitDepth(answers, { ready: 3 })
    const found = await bench.broker.take(answers, 9)
    const shown = found.map(({ content, properties }) => [
      properties.correlationId as unknown,
      content.toString(),
      properties.contentType as unknown,
      properties.headers?.['millrace-status'] as unknown,
    ])
    expect(shown.toSorted(([left], [right]) => (String(left) < String(right) ? -1 : 1))).toEqual([
      ['c-later', 'answer to later', 'text/x-answer', '200'],
      ['c-never', '', undefined, '422'],
      ['c-now', 'answer to now', 'text/x-answer', '200'],
    ])
  })

  test('a requester without a queue (direct reply-to) gets its answer, at once and after a retry', { timeout }, async () => {
    const requester = await connectTo(bench.broker.url())
    try {
      const channel = await requester.createChannel()
      const answers = new Map<unknown, string>()
      await channel.consume('amq.rabbitmq.reply-to', (got) => got && answers.set(got.properties.correlationId, got.content.toString()), {
        noAck: true,
      })
      for (const body of ['direct', 'later'])
        channel.sendToQueue(queues.asked, Buffer.from(body), { replyTo: 'amq.rabbitmq.reply-to', correlationId: `d-${body}` })
      await waitUntil(() => answers.size === 2, { timeoutMs: 20_000, what: () => `two answers: ${JSON.stringify([...answers])}` })
      expect(answers).toEqual(
        new Map([
          ['d-direct', 'answer to direct'],
          ['d-later', 'answer to later'],
        ]),
      )
    } finally {
      await requester.close()
    }
  })

  test(
    'T32 headers that leave no room for those of a retry: it waits in the process, and a letter is written without them',
    { timeout },
    async () => {
      const headers = { blob: 'x'.repeat(65_300), a: 'b' }
      for (const body of ['yes', 'no']) await bench.broker.publish(queues.wide, [body], { messageId: body, headers })
      await bench.broker.awaitDepth(`${queues.wide}.dlq`, { ready: 1 })
      await bench.drained([queues.wide])
      const shown = callsOf('wide').map((call) => `${text(call)} ${call.attempt} ${call.header('x-rabbitmq-header-a')}`)
      expect(shown.toSorted()).toEqual(['no 1 b', 'no 2 b', 'no 3 b', 'yes 1 b', 'yes 2 b'])
      const [letter] = await bench.broker.peek(`${queues.wide}.dlq`)
      expect(letter?.content.toString()).toBe('no')
      expect(letter?.properties.headers).toMatchObject({ 'millrace-headers-omitted': '2', 'millrace-reason': 'exhausted' })
      expect((await connector.metrics()).sum('millrace_rabbitmq_retries_total', { queue: queues.wide })).toBe(0)
    },
  )
})

test('after all of it the books balance, and no connection was lost', async () => {
  const metrics = await connector.metrics()
  expect(metrics.sum('millrace_conservation_drift')).toBe(0)
  expect(metrics.sum('millrace_inflight_events')).toBe(0)
  expect(metrics.sum('millrace_rabbitmq_reconnects_total')).toBe(0)
  expect(metrics.sum('millrace_rabbitmq_quarantines_total')).toBe(0)
})
