import { createMetrics, metricsTable, sourceMetrics } from '@millrace/sdk'
import { expect, it } from 'vitest'
import { Partition } from '../src/consumer/partition.ts'
import { countingObserver, kafkaMetrics, scrapePartitions } from '../src/metrics.ts'

const quiet = { emit: () => {}, onFlow: () => {}, onCompleted: () => {}, onFenced: () => {}, onGap: () => {} }

it('says what a replica owns, how far it is behind, and what has gone', async () => {
  const metrics = createMetrics({ table: { ...metricsTable, ...kafkaMetrics } })
  const at = { topic: 'orders', partition: 2 }
  const partition = new Partition(at, quiet)
  let owned = [{ groupId: 'g', partitions: [partition] }]
  const forget = scrapePartitions(
    sourceMetrics(metrics, kafkaMetrics),
    () => owned,
    () => 61_000,
  )
  partition.start({ offset: 10, done: [], committed: true })
  partition.ingest({
    ...at,
    from: 10,
    records: [{ ...at, offset: 10, timestamp: 1000, key: undefined, value: undefined, headers: [] }],
    through: 11,
    highWatermark: 25,
  })
  partition.hold('full')
  const text = await metrics.render()
  expect(text).toContain('millrace_kafka_lag_records{topic="orders",partition="2"} 15')
  expect(text).toContain('millrace_kafka_oldest_unacked_age_seconds{topic="orders"} 60')
  expect(text).toContain('millrace_kafka_window_records{topic="orders"} 1')
  expect(text).toContain('millrace_kafka_committed_offset{group="g",topic="orders",partition="2"} 10')
  expect(text).toMatch(/millrace_kafka_assigned_partitions 1\n/)
  expect(text).toMatch(/millrace_kafka_paused_partitions 1\n/)
  owned = []
  const later = await metrics.render()
  expect(later).toContain('millrace_kafka_lag_records{topic="orders",partition="2"} 0')
  expect(later).toContain('millrace_kafka_committed_offset{group="g",topic="orders",partition="2"} 0')
  expect(later).toMatch(/millrace_kafka_assigned_partitions 0\n/)
  owned = [{ groupId: 'g', partitions: [partition] }]
  forget()
  expect(await metrics.render()).toMatch(/millrace_kafka_assigned_partitions 0\n/)
})

it('counts what consumers tell', async () => {
  const metrics = createMetrics({ table: { ...metricsTable, ...kafkaMetrics } })
  const observer = countingObserver(sourceMetrics(metrics, kafkaMetrics))
  observer.rebalanced('g')
  observer.fetched('g', { topic: 't', partition: 1 }, 5)
  observer.committed('g', 3, 20)
  observer.commitFailed('g')
  observer.redelivered('t')
  observer.fenced('t', 2)
  observer.skipped('t', 4)
  const text = await metrics.render()
  for (const line of [
    'millrace_kafka_rebalances_total{group="g"} 1',
    'millrace_kafka_fetched_total{group="g",topic="t",partition="1"} 5',
    'millrace_kafka_commits_total{group="g"} 1',
    'millrace_kafka_commit_failures_total{group="g"} 1',
    'millrace_kafka_redelivered_total{topic="t"} 1',
    'millrace_kafka_fenced_total{topic="t"} 2',
    'millrace_kafka_skipped_total{topic="t"} 4',
  ])
    expect(text).toContain(line)
})

it('shows the names of the Pro connector beside its own, when it is asked to', async () => {
  const table = { ...metricsTable, ...kafkaMetrics }
  const counted = async (compat: 'none' | 'pro'): Promise<string> => {
    const metrics = createMetrics({ table, compat })
    const source = sourceMetrics(metrics, kafkaMetrics)
    const partition = new Partition({ topic: 'orders', partition: 2 }, quiet)
    partition.start({ offset: 10, done: [], committed: true })
    const owned = [{ groupId: 'g', partitions: [partition] }]
    scrapePartitions(
      source,
      () => owned,
      () => 0,
    )
    const observer = countingObserver(source)
    observer.rebalanced('g')
    observer.fetched('g', { topic: 'orders', partition: 2 }, 5)
    return metrics.render()
  }
  const pro = await counted('pro')
  for (const line of [
    '# TYPE kafka_connector_consumer_group_connect counter',
    'kafka_connector_consumer_group_connect{group="g"} 1',
    '# TYPE kafka_connector_messages_consumed counter',
    'kafka_connector_messages_consumed{group="g",topic="orders",partition="2"} 5',
    '# TYPE kafka_connector_messages_offset gauge',
    'kafka_connector_messages_offset{group="g",topic="orders",partition="2"} 10',
  ])
    expect(pro).toContain(`${line}\n`)
  expect(await counted('none')).not.toMatch(/^(?:# \w+ )?kafka_/m)
})

it('counts what a consumer takes of a partition, once for each time it is fetched', async () => {
  const taken: number[] = []
  const at = { topic: 'orders', partition: 2 }
  const partition = new Partition(at, { ...quiet, onFetched: (records) => taken.push(records) })
  partition.start({ offset: 10, done: [], committed: true })
  const record = (offset: number) => ({ ...at, offset, timestamp: 1000, key: undefined, value: undefined, headers: [] })
  expect(partition.ingest({ ...at, from: 0, records: [8, 9, 10, 11].map(record), through: 12, highWatermark: 12 })).toBe(true)
  expect(partition.ingest({ ...at, from: 0, records: [10, 11].map(record), through: 12, highWatermark: 12 })).toBe(true)
  partition.hold('frozen')
  expect(partition.ingest({ ...at, from: 0, records: [12].map(record), through: 13, highWatermark: 13 })).toBe(false)
  expect(taken).toEqual([2])
})
