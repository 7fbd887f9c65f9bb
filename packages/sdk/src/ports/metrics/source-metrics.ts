import type { SourceMetrics } from '../../contract/metrics.ts'
import { noMetrics } from '../../core/no-metrics.ts'
import type { MetricsTable } from './metrics-table.ts'
import type { Metrics } from './registry.ts'

/** The metrics of a process as one source sees them: the rows of `table`, by plain names. */
export const sourceMetrics = (metrics: Metrics, table: MetricsTable): SourceMetrics => {
  const any = metrics as unknown as Pick<SourceMetrics, 'counter' | 'gauge' | 'histogram'>
  const isOf = (name: string, type: 'counter' | 'gauge' | 'histogram'): boolean =>
    Object.hasOwn(table, name) && table[name as keyof MetricsTable]?.type === type
  return {
    counter: (name, labels = {}) => (isOf(name, 'counter') ? any.counter(name, labels) : noMetrics.counter(name)),
    gauge: (name, labels = {}) => (isOf(name, 'gauge') ? any.gauge(name, labels) : noMetrics.gauge(name)),
    histogram: (name, labels = {}) => (isOf(name, 'histogram') ? any.histogram(name, labels) : noMetrics.histogram(name)),
    topicLabel: (topic) => metrics.topicLabel(topic),
    onScrape: (collect) => metrics.onScrape(collect),
  }
}
