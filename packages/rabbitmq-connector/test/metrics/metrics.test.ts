import { createMetrics, metricsTable, sourceMetrics } from '@millrace/sdk'
import type { SourceMetrics } from '@millrace/sdk'
import { expect, it } from 'vitest'
import type { ConsumerView } from '../../src/consumer/observer.ts'
import { countingObserver, scrapeConsumers } from '../../src/metrics/counting-observer.ts'
import { rabbitmqMetrics } from '../../src/metrics/metrics.ts'

const setUp = (compat: 'none' | 'pro' = 'none') => {
  const metrics = createMetrics({ table: { ...metricsTable, ...rabbitmqMetrics }, compat })
  return { render: () => metrics.render(), source: sourceMetrics(metrics, rabbitmqMetrics) }
}

it('says what each queue is doing and holds, and what has gone', async () => {
  const { render, source } = setUp()
  let consumers: ConsumerView[] = [
    { queue: 'orders', state: 'consuming', inFlight: 7, isolated: false },
    { queue: 'bad', state: 'quarantined', inFlight: 0, isolated: true, problem: 'E' },
    { queue: 'log', state: 'consuming', inFlight: 2, isolated: false, position: 90, lastOffset: 99 },
  ]
  const byQueue = new Map([
    ['orders', { ready: 12, unacked: 9 }],
    ['log', { ready: 3 }],
    ['orders.dlq', { ready: 2, unacked: 1 }],
  ])
  const letterQueues = new Set(['orders.dlq'])
  const state = { consumers: () => consumers, depths: () => ({ byQueue, readAt: 1000 }), letterQueues: () => letterQueues }
  const forget = scrapeConsumers(source, state, () => 4500)
  const text = await render()
  for (const line of [
    'millrace_rabbitmq_inflight_messages{queue="orders"} 7',
    'millrace_rabbitmq_stream_lag_messages{queue="log"} 10',
    'millrace_rabbitmq_consumers{state="consuming"} 2',
    'millrace_rabbitmq_consumers{state="quarantined"} 1',
    'millrace_rabbitmq_consumers{state="paused"} 0',
    'millrace_rabbitmq_ready_messages{queue="orders"} 12',
    'millrace_rabbitmq_unacked_messages{queue="orders"} 9',
    'millrace_rabbitmq_letter_messages{queue="orders.dlq"} 2',
    'millrace_rabbitmq_depth_age_seconds 3.5',
  ])
    expect(text).toContain(line)
  for (const name of ['ready', 'unacked']) expect(text).not.toContain(`millrace_rabbitmq_${name}_messages{queue="orders.dlq"}`)
  expect(text).not.toContain('millrace_rabbitmq_unacked_messages{queue="log"}')
  consumers = []
  byQueue.delete('orders')
  const later = await render()
  expect(later).toContain('millrace_rabbitmq_inflight_messages{queue="orders"} 0')
  expect(later).toContain('millrace_rabbitmq_ready_messages{queue="orders"} 0')
  consumers = [{ queue: 'orders', state: 'consuming', inFlight: 7, isolated: false }]
  forget()
  expect(await render()).toContain('millrace_rabbitmq_inflight_messages{queue="orders"} 0')
})

it('counts what consumers tell', async () => {
  const { render, source } = setUp()
  const observer = countingObserver(source, () => 0)
  observer.delivered('q', false)
  observer.delivered('q', true)
  observer.acknowledged('q', 20, 2)
  observer.fenced('q')
  observer.deferred('q', 300_000)
  observer.repeated('q')
  observer.lettered('q')
  observer.published(undefined, 20)
  observer.published(new Error('no confirm'), 30_000)
  observer.replied('q', 'unroutable')
  observer.quarantined('q', 'E_RABBITMQ_DENIED', 1000)
  observer.recovered('q')
  observer.linkLost('publish')
  observer.checkpointed('q', 5)
  observer.checkpointFailed('q')
  const text = await render()
  for (const line of [
    'delivered_total{queue="q"} 2',
    'redelivered_total{queue="q"} 1',
    'acknowledged_total{queue="q"} 20',
    'ack_frames_total{queue="q"} 2',
    'fenced_total{queue="q"} 1',
    'retries_total{queue="q",wait="5m"} 1',
    'repeats_total{queue="q"} 1',
    'dead_letters_total{queue="q"} 1',
    'confirm_duration_seconds_count 1',
    'unconfirmed_total 1',
    'replies_total{queue="q",result="unroutable"} 1',
    'quarantines_total{queue="q",code="E_RABBITMQ_DENIED"} 1',
    'reconnects_total{role="publish"} 1',
    'checkpoints_total{queue="q"} 1',
    'checkpoint_failures_total{queue="q"} 1',
  ])
    expect(text).toContain(`millrace_rabbitmq_${line}`)
})

it('the time under an alarm is counted while it lasts, and once', async () => {
  const { render, source } = setUp()
  let now = 0
  const { blocked } = countingObserver(source, () => now)
  blocked(false)
  now = 1000
  blocked(true)
  now = 2500
  const during = await render()
  expect(during).toMatch(/millrace_rabbitmq_blocked_seconds_total 1\.5\n/)
  expect(during).toMatch(/millrace_rabbitmq_blocked 1\n/)
  blocked(true)
  now = 3000
  blocked(false)
  now = 9000
  const text = await render()
  expect(text).toMatch(/millrace_rabbitmq_blocked_seconds_total 2\n/)
  expect(text).toMatch(/millrace_rabbitmq_blocked 0\n/)
})

it('looks the counters of a queue up once, not for each message', () => {
  const { source } = setUp()
  let lookUps = 0
  const counted: SourceMetrics = {
    ...source,
    counter: (...given) => {
      lookUps += 1
      return source.counter(...given)
    },
  }
  const observer = countingObserver(counted, () => 0)
  for (let message = 0; message < 100; message += 1) {
    observer.delivered('orders', message % 2 === 0)
    observer.acknowledged('orders', 1, 1)
  }
  expect(lookUps).toBe(4)
})

it('queues from outside cannot flood the metrics', async () => {
  const { render, source } = setUp()
  const observer = countingObserver(source, () => 0)
  for (let index = 0; index < 500; index += 1) observer.delivered(`queue-${index}`, false)
  const rows = (await render()).match(/^millrace_rabbitmq_delivered_total\{/gm) ?? []
  expect(rows.length).toBeLessThanOrEqual(101)
})

it('shows the names of the Pro connector beside its own, when it is asked to', async () => {
  const counted = async (compat: 'none' | 'pro'): Promise<string> => {
    const { render, source } = setUp(compat)
    const depths = () => ({ byQueue: new Map([['orders', { ready: 12 }]]), readAt: 0 })
    scrapeConsumers(source, { consumers: () => [], depths, letterQueues: () => new Set() }, () => 0)
    countingObserver(source, () => 0).acknowledged('orders', 7, 1)
    return render()
  }
  const pro = await counted('pro')
  for (const line of [
    '# TYPE rabbitmq_connector_messages_processed_total counter',
    'rabbitmq_connector_messages_processed_total{queue="orders"} 7',
    '# TYPE rabbitmq_connector_queue_depth gauge',
    'rabbitmq_connector_queue_depth{queue="orders"} 12',
  ])
    expect(pro).toContain(`${line}\n`)
  expect(await counted('none')).not.toMatch(/^(?:# \w+ )?rabbitmq_/m)
})
