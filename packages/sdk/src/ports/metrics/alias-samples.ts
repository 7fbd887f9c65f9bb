import type { Sample } from './family.ts'
import type { MetricAlias, MetricRow } from './metrics-table.ts'

/** The samples of a row as its alias shows them: with fewer labels, and what is the same then added up. */
export const aliasSamples = (samples: readonly Sample[], row: MetricRow, alias: MetricAlias): Sample[] => {
  const dropped = row.labels.filter((label) => alias.labels?.includes(label) === false)
  if (dropped.length === 0) return [...samples]
  const sums = new Map<string, Sample>()
  for (const { labels, value, ...rest } of samples) {
    const kept = Object.fromEntries(Object.entries(labels).filter(([label]) => !dropped.includes(label)))
    const key = JSON.stringify([rest.metricName, kept])
    sums.set(key, { ...rest, labels: kept, value: (sums.get(key)?.value ?? 0) + value })
  }
  return [...sums.values()]
}
