import { createMetrics, metricsTable, sourceMetrics } from '@millrace/sdk'
import { expect, it } from 'vitest'
import { Partition } from '../src/consumer/partition.ts'
import { countingObserver, kafkaMetrics, scrapePartitions } from '../src/metrics.ts'

const quiet = { emit: () => {}, onFlow: () => {}, onCompleted: () => {}, onFenced: () => {} }

it('says what a replica owns, how far it is behind, and what has gone', async () => {
  const metrics = createMetrics({ table: { ...metricsTable, ...kafkaMetrics } })
  const at = { topic: 'orders', partition: 2 }
  const partition = new Partition(at, quiet)
  let owned = [partition]
  const forget = scrapePartitions(
    sourceMetrics(metrics, kafkaMetrics),
    () => owned,
    () => 61_000,
  )
  partition.start({ offset: 10, done: [], committed: true })
  partition.ingest({
    ...at,
    records: [{ ...at, offset: 10, timestamp: 1000, key: undefined, value: undefined, headers: [] }],
    through: 11,
    highWatermark: 25,
  })
  partition.hold('full')
  const text = await metrics.render()
  expect(text).toContain('millrace_kafka_lag_records{topic="orders",partition="2"} 15')
  expect(text).toContain('millrace_kafka_oldest_unacked_age_seconds{topic="orders"} 60')
  expect(text).toContain('millrace_kafka_window_records{topic="orders"} 1')
  expect(text).toMatch(/millrace_kafka_assigned_partitions 1\n/)
  expect(text).toMatch(/millrace_kafka_paused_partitions 1\n/)
  owned = []
  const later = await metrics.render()
  expect(later).toContain('millrace_kafka_lag_records{topic="orders",partition="2"} 0')
  expect(later).toMatch(/millrace_kafka_assigned_partitions 0\n/)
  owned = [partition]
  forget()
  expect(await metrics.render()).toMatch(/millrace_kafka_assigned_partitions 0\n/)
})

it('counts what consumers tell', async () => {
  const metrics = createMetrics({ table: { ...metricsTable, ...kafkaMetrics } })
  const observer = countingObserver(sourceMetrics(metrics, kafkaMetrics))
  observer.rebalanced('g')
  observer.committed('g', 3, 20)
  observer.commitFailed('g')
  observer.redelivered('t')
  observer.fenced('t', 2)
  observer.skipped('t', 4)
  const text = await metrics.render()
  for (const line of [
    'millrace_kafka_rebalances_total{group="g"} 1',
    'millrace_kafka_commits_total{group="g"} 1',
    'millrace_kafka_commit_failures_total{group="g"} 1',
    'millrace_kafka_redelivered_total{topic="t"} 1',
    'millrace_kafka_fenced_total{topic="t"} 2',
    'millrace_kafka_skipped_total{topic="t"} 4',
  ])
    expect(text).toContain(line)
})
