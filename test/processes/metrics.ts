/** One time series of a scrape. */
export interface Sample {
  readonly name: string
  readonly labels: ReadonlyMap<string, string>
  readonly value: number
}

/** A scrape of `/metrics`. */
export interface Metrics {
  readonly samples: readonly Sample[]
  /** The sum over all series of a name whose labels contain these; 0 when there is none. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number
}

const unescape = (text: string): string => text.replaceAll(/\\([\\"n])/g, (_, c: string) => (c === 'n' ? '\n' : c))

const numberOf = (text: string): number => Number(text.replace(/^([+-]?)Inf$/, '$1Infinity'))

/** Reads the text format of Prometheus (prometheus.io/docs/instrumenting/exposition_formats). Lines that are not samples are passed over. */
export const parseMetrics = (text: string): Metrics => {
  const samples = text.split('\n').flatMap((line): Sample[] => {
    const [, name, list = '', value] = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line) ?? []
    if (name === undefined || value === undefined) return []
    const pairs = [...list.matchAll(/([A-Za-z_]\w*)="((?:\\.|[^"\\])*)"/g)]
    return [{ name, labels: new Map(pairs.map(([, key = '', raw = '']) => [key, unescape(raw)])), value: numberOf(value) }]
  })
  return {
    samples,
    sum: (name, labels = {}) =>
      samples
        .filter((sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels.get(key) === value))
        .reduce((total, sample) => total + sample.value, 0),
  }
}
