import { httpMetrics } from '../../packages/http-source/src/index.ts'
import { kafkaMetrics } from '../../packages/kafka-connector/src/metrics.ts'
import { rabbitmqMetrics } from '../../packages/rabbitmq-connector/src/metrics/metrics.ts'
import { metricsTable } from '../../packages/sdk/src/ports/metrics/metrics-table.ts'
import type { MetricRow } from '../../packages/sdk/src/ports/metrics/metrics-table.ts'
import { code, page, table } from './markdown.ts'

/** docs/metrics.md: every metric of a scrape. */
export const metricsPage = (): string => {
  const rows = Object.entries<MetricRow>({ ...metricsTable, ...httpMetrics, ...kafkaMetrics, ...rabbitmqMetrics })
  const aliases = rows.flatMap(([name, row]) => (row.also ?? []).map((alias) => ({ name, row, alias })))
  const histograms = rows.filter(([, row]) => row.buckets !== undefined)
  return page('Metrics', 'the metrics tables (`packages/sdk/src/ports/metrics/metrics-table.ts` and `metrics.ts` of each connector)', [
    'On `/metrics` of the admin server, in the text format of Prometheus. The label `topic` has the names of `metrics_topics`, or of the first hundred topics; all others count as `_other`. No label ever holds an event id, a key, an offset or a URL.',
    table(
      ['metric', 'type', 'labels', 'meaning'],
      rows.map(([name, row]) => [code(name), row.type, row.labels.map(code).join(', '), row.help]),
    ),
    '## Names of the OpenFaaS Pro connectors',
    'With `metrics_compat=pro` these are there as well, with the numbers of the metric beside them. Pro has a label `member_id` at those of Kafka; here there is none, since it is another one after each restart: replicas are told apart by the labels of the scrape.',
    table(
      ['Pro’s metric', 'labels', 'the same as'],
      aliases.map(({ name, row, alias }) => [code(alias.name), (alias.labels ?? row.labels).map(code).join(', '), code(name)]),
    ),
    '## Buckets',
    table(
      ['metric', 'upper bounds'],
      histograms.map(([name, row]) => [code(name), (row.buckets ?? []).join(', ')]),
    ),
  ])
}
