import { printable } from '../../core/printable.ts'
import type { MetricRow } from './metrics-table.ts'

/** The value of a label that stands for everything beyond a bound. */
export const otherLabel = '_other'

/** Values of labels by their names. */
export type LabelValues = Readonly<Record<string, string>>

/** One line of a scrape, as prom-client's registry takes it. */
export interface Sample {
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
  readonly metricName?: string
}

/** A counter or gauge for one set of labels. Adding to it costs an addition: it is read at the scrape. */
export class Cell {
  readonly labels: LabelValues
  value = 0

  constructor(labels: LabelValues) {
    this.labels = labels
  }

  inc(by = 1): void {
    this.value += by
  }

  set(value: number): void {
    this.value = value
  }
}

/** A histogram for one set of labels. */
export class Buckets {
  readonly labels: LabelValues
  readonly #bounds: readonly number[]
  readonly #counts: number[]
  #sum = 0

  constructor(labels: LabelValues, bounds: readonly number[]) {
    this.labels = labels
    this.#bounds = bounds
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0)
  }

  observe(value: number): void {
    let index = 0
    while (index < this.#bounds.length && value > (this.#bounds[index] ?? 0)) index += 1
    this.#counts[index] = (this.#counts[index] ?? 0) + 1
    this.#sum += value
  }

  samples(name: string): Sample[] {
    let total = 0
    const samples = this.#counts.map((count, index): Sample => {
      total += count
      return { labels: { ...this.labels, le: this.#bounds[index] ?? '+Inf' }, value: total, metricName: `${name}_bucket` }
    })
    const whole = { labels: this.labels }
    return [...samples, { ...whole, value: this.#sum, metricName: `${name}_sum` }, { ...whole, value: total, metricName: `${name}_count` }]
  }
}

/** A metric with all of its sets of labels, bounded in number and length. */
export class Family<Child extends Cell | Buckets> {
  readonly name: string
  readonly row: MetricRow
  readonly #create: (labels: LabelValues) => Child
  readonly #maxChildren: number
  readonly #children = new Map<string, Child>()

  constructor(name: string, row: MetricRow, maxChildren: number, create: (labels: LabelValues) => Child) {
    this.name = name
    this.row = row
    this.#create = create
    this.#maxChildren = maxChildren
    // A metric without labels is there from the start: a rate needs its 0.
    if (row.labels.length === 0) this.child({})
  }

  /** The child of these labels; callers on a hot path keep it. Beyond the bound every label becomes `_other`. */
  child(values: LabelValues): Child {
    const labels = Object.fromEntries(this.row.labels.map((label) => [label, printable(values[label] ?? '', 256)]))
    const found = this.#children.get(JSON.stringify(labels))
    if (found !== undefined) return found
    if (this.row.labels.length === 0 || this.#children.size < this.#maxChildren) return this.#add(labels)
    const other = Object.fromEntries(this.row.labels.map((label) => [label, otherLabel]))
    return this.#children.get(JSON.stringify(other)) ?? this.#add(other)
  }

  /** Removes the children whose labels have these values. */
  forget(values: LabelValues): void {
    const wanted = Object.entries(values)
    for (const [key, child] of this.#children) {
      if (wanted.every(([label, value]) => child.labels[label] === value)) this.#children.delete(key)
    }
  }

  /** @param name another one for the same numbers */
  samples(name: string = this.name): Sample[] {
    return [...this.#children.values()].flatMap((child) =>
      child instanceof Cell ? [{ labels: child.labels, value: child.value }] : child.samples(name),
    )
  }

  #add(labels: LabelValues): Child {
    const child = this.#create(labels)
    this.#children.set(JSON.stringify(labels), child)
    return child
  }
}
