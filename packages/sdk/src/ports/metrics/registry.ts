import { Registry } from 'prom-client'
import type { Metric } from 'prom-client'
import { printable } from '../../core/printable.ts'
import { aliasSamples } from './alias-samples.ts'
import { Buckets, Cell, Family, otherLabel } from './family.ts'
import type { metricsTable, MetricRow, MetricsCompat, MetricsTable } from './metrics-table.ts'

type NamesOf<T extends MetricsTable, Type extends MetricRow['type']> = {
  [N in keyof T]: T[N] extends { readonly type: Type } ? N : never
}[keyof T] &
  string

type LabelsOf<Row> = Row extends { readonly labels: readonly (infer Name extends string)[] } ? Readonly<Record<Name, string>> : never

/** The metrics of one connector. Names and labels are those of the table; a wrong one does not compile. */
export interface Metrics<T extends MetricsTable = typeof metricsTable> {
  readonly contentType: string
  counter<N extends NamesOf<T, 'counter'>>(name: N, labels: LabelsOf<T[N]>): { inc(by?: number): void }
  gauge<N extends NamesOf<T, 'gauge'>>(name: N, labels: LabelsOf<T[N]>): { set(value: number): void; inc(by?: number): void }
  histogram<N extends NamesOf<T, 'histogram'>>(name: N, labels: LabelsOf<T[N]>): { observe(value: number): void }
  /** The label of a topic: its own name for the topics of the allow-list, or else for the first `maxTopics`; `_other` for the rest. */
  topicLabel(topic: string): string
  /** Calls `collect` before each scrape, to set gauges. A throw leaves the values as they were. Returns the way to stop. */
  onScrape(collect: () => void): () => void
  /** Removes the series of a function that is gone. */
  forgetFunction(labels: { readonly function: string; readonly namespace: string }): void
  /** Calls `listener` after each `forgetFunction`: whoever keeps children must look them up again, since those that were removed are not shown. */
  onForget(listener: () => void): void
  /** The scrape in Prometheus' text format. */
  render(): Promise<string>
}

/** What `createMetrics` takes. */
export interface MetricsOptions<T extends MetricsTable> {
  /** `metricsTable`, or with a connector's own rows: `{ ...metricsTable, ...kafkaMetrics }`. */
  readonly table: T
  /** Topics with a label of their own. Absent or empty: the first `maxTopics` that come. */
  readonly topics?: readonly string[]
  /** @default 100 */
  readonly maxTopics?: number
  /** Sets of labels per metric; beyond, they count as `_other`. @default 10000 */
  readonly maxSeries?: number
  /** Rows with an alias of this kind are shown under both names. @default 'none' */
  readonly compat?: MetricsCompat
}

type AnyFamily = Family<Cell> | Family<Buckets>

const familyOf = (name: string, row: MetricRow, maxSeries: number): AnyFamily =>
  row.type === 'histogram'
    ? new Family(name, row, maxSeries, (labels) => new Buckets(labels, row.buckets ?? []))
    : new Family(name, row, maxSeries, (labels) => new Cell(labels))

/**
 * prom-client writes the text; the numbers are ours. Its own metrics hash their labels at each increment
 * (0.5 to 0.9 microseconds measured), which at five metrics an attempt would be the dearest part of the hot path.
 */
const asPromMetric = ({ name, row, samples }: { name: string; row: MetricRow; samples: () => unknown }): Metric =>
  ({
    name,
    get: () => Promise.resolve({ name, help: row.help, type: row.type, aggregator: 'sum', values: samples() }),
    reset: () => undefined,
  }) as unknown as Metric

const topicLabels = (allowed: ReadonlySet<string>, max: number): ((topic: string) => string) => {
  const seen = new Map<string, string>()
  return (topic) => {
    const known = seen.get(topic)
    if (known !== undefined) return known
    if (allowed.size > 0 ? !allowed.has(topic) : seen.size >= max) return otherLabel
    const label = printable(topic, 249)
    seen.set(topic, label)
    return label
  }
}

/** Creates the metrics of one connector, in a registry of their own. */
export const createMetrics = <T extends MetricsTable>(options: MetricsOptions<T>): Metrics<T> => {
  const registry = new Registry()
  const families = new Map<string, AnyFamily>()
  for (const [name, row] of Object.entries<MetricRow>(options.table)) {
    const family = familyOf(name, row, options.maxSeries ?? 10_000)
    families.set(name, family)
    registry.registerMetric(asPromMetric({ name, row, samples: () => family.samples() }))
    for (const alias of row.also?.filter(({ of }) => of === options.compat) ?? []) {
      const samples = (): unknown => aliasSamples(family.samples(alias.name), row, alias)
      registry.registerMetric(asPromMetric({ name: alias.name, row, samples }))
    }
  }
  const child = <C extends Cell | Buckets>(name: string, labels: Readonly<Record<string, string>>): C =>
    (families.get(name) as unknown as Family<C>).child(labels)
  const collectors = new Set<() => void>()
  const keepers: (() => void)[] = []
  return {
    contentType: registry.contentType,
    counter: (name, labels) => child<Cell>(name, labels),
    gauge: (name, labels) => child<Cell>(name, labels),
    histogram: (name, labels) => child<Buckets>(name, labels),
    topicLabel: topicLabels(new Set(options.topics), options.maxTopics ?? 100),
    onScrape: (collect) => {
      collectors.add(collect)
      return () => void collectors.delete(collect)
    },
    forgetFunction: (labels) => {
      for (const family of families.values()) {
        if (family.row.labels.includes('function') && family.row.outlivesFunction !== true) family.forget(labels)
      }
      for (const forget of keepers) forget()
    },
    onForget: (listener) => void keepers.push(listener),
    render: () => {
      for (const collect of collectors) {
        try {
          collect()
        } catch {
          // One collector must not take the whole scrape with it.
        }
      }
      return registry.metrics()
    },
  }
}
