/** Labels of a metric. Never an event id, a key, an offset or a URL. */
export type MetricLabels = Readonly<Record<string, string>>

/**
 * Where a source counts. Names are those of the rows that the program declared for it (`millrace_<source>_...`); a
 * metric that nobody declared, or a connector without metrics, counts nothing.
 */
export interface SourceMetrics {
  counter(name: string, labels?: MetricLabels): { inc(by?: number): void }
  gauge(name: string, labels?: MetricLabels): { set(value: number): void }
  histogram(name: string, labels?: MetricLabels): { observe(value: number): void }
  /** The label of a topic: bounded in number, so that topics cannot flood the metrics. */
  topicLabel(topic: string): string
  /** Calls `collect` before each scrape, to set gauges. Returns the way to stop. */
  onScrape(collect: () => void): () => void
}
