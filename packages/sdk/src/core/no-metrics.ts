import type { SourceMetrics } from '../contract/metrics.ts'

const nothing = (): void => {}

/** Metrics that count nothing: for connectors without any, and for tests of a source. */
export const noMetrics: SourceMetrics = {
  counter: () => ({ inc: nothing }),
  gauge: () => ({ set: nothing }),
  histogram: () => ({ observe: nothing }),
  topicLabel: (topic) => topic,
  onScrape: () => nothing,
}
