import type { MetricLabels, SourceMetrics } from '@millrace/sdk'
import type { KafkaObserver } from './consumer/observer.ts'
import type { Partition } from './consumer/partition.ts'

/** The rows of the Kafka connector, a `MetricsTable`. */
export const kafkaMetrics = {
  millrace_kafka_lag_records: {
    type: 'gauge',
    help: 'Records behind the committed position of a partition that this replica owns.',
    labels: ['topic', 'partition'],
  },
  millrace_kafka_oldest_unacked_age_seconds: {
    type: 'gauge',
    help: 'Age of the oldest record of a topic that is not finished, by its own timestamp; 0 when there is none.',
    labels: ['topic'],
    unit: 'seconds',
  },
  millrace_kafka_window_records: {
    type: 'gauge',
    help: 'Records of a topic between the oldest unfinished one and the newest: what a crash would repeat at most.',
    labels: ['topic'],
  },
  millrace_kafka_fetched_total: {
    type: 'counter',
    help: 'Records that came of a partition, repeats included.',
    labels: ['group', 'topic', 'partition'],
    also: [{ of: 'pro', name: 'kafka_connector_messages_consumed' }],
  },
  millrace_kafka_committed_offset: {
    type: 'gauge',
    help: 'Position that this replica has committed for a partition, or has found committed; 0 once the partition has gone.',
    labels: ['group', 'topic', 'partition'],
    also: [{ of: 'pro', name: 'kafka_connector_messages_offset' }],
  },
  millrace_kafka_assigned_partitions: {
    type: 'gauge',
    help: 'Partitions that this replica owns.',
    labels: [],
  },
  millrace_kafka_paused_partitions: {
    type: 'gauge',
    help: 'Owned partitions of which nothing is fetched: full, being started, or before a join.',
    labels: [],
  },
  millrace_kafka_stopped_partitions: {
    type: 'gauge',
    help: 'Owned partitions that wait for a person, since their position is outside the log (offset_out_of_range: fail).',
    labels: [],
  },
  millrace_kafka_rebalances_total: {
    type: 'counter',
    help: 'Assignments that this replica got.',
    labels: ['group'],
    also: [{ of: 'pro', name: 'kafka_connector_consumer_group_connect' }],
  },
  millrace_kafka_commits_total: {
    type: 'counter',
    help: 'Commits that the broker has stored.',
    labels: ['group'],
  },
  millrace_kafka_commit_failures_total: {
    type: 'counter',
    help: 'Commits that failed; what they covered is committed again, or given to the next owner.',
    labels: ['group'],
  },
  millrace_kafka_commit_duration_seconds: {
    type: 'histogram',
    help: 'Time of a commit.',
    labels: ['group'],
    unit: 'seconds',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  },
  millrace_kafka_redelivered_total: {
    type: 'counter',
    help: 'Records handed over a second time by this replica: a function may have seen them before.',
    labels: ['topic'],
  },
  millrace_kafka_fenced_total: {
    type: 'counter',
    help: 'Results that came after their partition had gone, and moved no position.',
    labels: ['topic'],
  },
  millrace_kafka_skipped_total: {
    type: 'counter',
    help: 'Records that were finished before a restart or a rebalance, as the commit says, and were not run again.',
    labels: ['topic'],
  },
} as const

/** Counts what consumers tell. */
export const countingObserver = (metrics: SourceMetrics): KafkaObserver => {
  const count = (name: keyof typeof kafkaMetrics, topic: string, by: number): void =>
    metrics.counter(name, { topic: metrics.topicLabel(topic) }).inc(by)
  return {
    fetched: (group, { topic, partition }, by) => {
      const labels = { group, topic: metrics.topicLabel(topic), partition: String(partition) }
      metrics.counter('millrace_kafka_fetched_total', labels).inc(by)
    },
    rebalanced: (group) => metrics.counter('millrace_kafka_rebalances_total', { group }).inc(),
    committed: (group, _partitions, tookMs) => {
      metrics.counter('millrace_kafka_commits_total', { group }).inc()
      metrics.histogram('millrace_kafka_commit_duration_seconds', { group }).observe(tookMs / 1000)
    },
    commitFailed: (group) => metrics.counter('millrace_kafka_commit_failures_total', { group }).inc(),
    redelivered: (topic) => count('millrace_kafka_redelivered_total', topic, 1),
    fenced: (topic, by) => count('millrace_kafka_fenced_total', topic, by),
    skipped: (topic, by) => count('millrace_kafka_skipped_total', topic, by),
  }
}

interface TopicFigures {
  oldestAt: number | undefined
  span: number
}

/** The partitions that a replica owns in one group. */
export interface OwnedGroup {
  readonly groupId: string
  readonly partitions: readonly Partition[]
}

/** Shows committed positions by group. Topics beyond the bound share a label, and the furthest of them is shown. */
const committedGauges = (metrics: SourceMetrics): ((owned: readonly OwnedGroup[]) => void) => {
  const shown = new Map<string, { readonly labels: MetricLabels; offset: number }>()
  return (owned) => {
    for (const entry of shown.values()) entry.offset = 0
    for (const { groupId: group, partitions } of owned) {
      for (const { topic, partition, committedOffset } of partitions) {
        if (committedOffset === undefined) continue
        const labels = { group, topic: metrics.topicLabel(topic), partition: String(partition) }
        const key = JSON.stringify(labels)
        shown.set(key, { labels, offset: Math.max(shown.get(key)?.offset ?? 0, committedOffset) })
      }
    }
    for (const { labels, offset } of shown.values()) metrics.gauge('millrace_kafka_committed_offset', labels).set(offset)
  }
}

/** Sets the gauges before each scrape, until the way to stop is called. Partitions that have gone say 0 from then on. */
export const scrapePartitions = (metrics: SourceMetrics, groups: () => readonly OwnedGroup[], now: () => number): (() => void) => {
  const lags = new Map<string, { readonly labels: { readonly topic: string; readonly partition: string }; lag: number }>()
  const topics = new Map<string, TopicFigures>()
  const showCommitted = committedGauges(metrics)
  const collect = (owned: readonly Partition[]): void => {
    for (const entry of lags.values()) entry.lag = 0
    for (const topic of topics.keys()) topics.set(topic, { oldestAt: undefined, span: 0 })
    for (const { topic: name, partition, lag, span, oldestAt } of owned) {
      const labels = { topic: metrics.topicLabel(name), partition: String(partition) }
      const key = JSON.stringify(labels)
      lags.set(key, { labels, lag: (lags.get(key)?.lag ?? 0) + (lag ?? 0) })
      const figure = topics.get(labels.topic) ?? { oldestAt: undefined, span: 0 }
      topics.set(labels.topic, figure)
      figure.span += span
      if (oldestAt !== undefined) figure.oldestAt = Math.min(figure.oldestAt ?? Infinity, oldestAt)
    }
  }
  const show = (ownedGroups: readonly OwnedGroup[]): void => {
    const owned = ownedGroups.flatMap(({ partitions }) => partitions)
    showCommitted(ownedGroups)
    metrics.gauge('millrace_kafka_assigned_partitions').set(owned.length)
    metrics.gauge('millrace_kafka_paused_partitions').set(owned.filter((partition) => !partition.flows).length)
    metrics.gauge('millrace_kafka_stopped_partitions').set(owned.filter((partition) => partition.held('stopped')).length)
    collect(owned)
    for (const { labels, lag } of lags.values()) metrics.gauge('millrace_kafka_lag_records', labels).set(lag)
    for (const [topic, { oldestAt, span }] of topics) {
      metrics.gauge('millrace_kafka_window_records', { topic }).set(span)
      const ageMs = oldestAt === undefined ? 0 : Math.max(0, now() - oldestAt)
      metrics.gauge('millrace_kafka_oldest_unacked_age_seconds', { topic }).set(ageMs / 1000)
    }
  }
  const forget = metrics.onScrape(() => show(groups()))
  return () => {
    forget()
    // What this session owned it owns no more: the next one begins from here.
    show([])
  }
}
