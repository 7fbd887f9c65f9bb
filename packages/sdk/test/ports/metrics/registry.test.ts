import fc from 'fast-check'
import { expect, test } from 'vitest'
import { metricsTable } from '../../../src/ports/metrics/metrics-table.ts'
import type { MetricRow } from '../../../src/ports/metrics/metrics-table.ts'
import { createMetrics } from '../../../src/ports/metrics/registry.ts'

/** Any UTF-16 unit, lone surrogates and control characters included. fast-check's own `binary` needs seconds to begin. */
const anyUnit = fc.oneof(fc.nat(0xff), fc.nat(0xffff)).map((unit) => String.fromCharCode(unit))

const rows = Object.entries<MetricRow>(metricsTable)
const labelNames = (row: MetricRow): Record<string, string> => Object.fromEntries(row.labels.map((label) => [label, 'x']))

/** Uses each metric once, as a program without types could. */
const touchAll = (metrics: ReturnType<typeof createMetrics<typeof metricsTable>>): void => {
  for (const [name, row] of rows) {
    if (row.type === 'counter') metrics.counter(name as never, labelNames(row) as never).inc()
    else if (row.type === 'gauge') metrics.gauge(name as never, labelNames(row) as never).set(1)
    else metrics.histogram(name as never, labelNames(row) as never).observe(0.2)
  }
}

test('every metric of the table appears in a scrape, with its help, type and labels', async () => {
  const metrics = createMetrics({ table: metricsTable })
  touchAll(metrics)
  const text = await metrics.render()
  for (const [name, row] of rows) {
    expect(text).toContain(`# HELP ${name} ${row.help}`)
    expect(text).toContain(`# TYPE ${name} ${row.type}`)
    const labels = row.labels.map((label) => `${label}="x"`).join(',')
    if (row.type !== 'histogram') expect(text).toContain(labels === '' ? `\n${name} 1` : `\n${name}{${labels}} 1`)
  }
  expect(metrics.contentType).toContain('version=0.0.4')
})

test.each(rows)('%s follows the conventions of Prometheus', (name, row) => {
  expect(name).toMatch(/^millrace_[a-z]+(?:_[a-z]+)*$/)
  expect(name.endsWith('_total')).toBe(row.type === 'counter')
  if (row.unit !== undefined) expect(name).toMatch(new RegExp(`_${row.unit}$`))
  expect(row.help).toMatch(/\.$/)
  expect(row.labels.filter((label) => /id|key|offset|url/.test(label))).toEqual([])
  expect(row.buckets !== undefined).toBe(row.type === 'histogram')
  expect(row.buckets ?? []).toEqual((row.buckets ?? []).toSorted((a, b) => a - b))
})

test('a histogram counts each value once, in cumulative buckets', async () => {
  const metrics = createMetrics({ table: metricsTable })
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.double({ min: 0, max: 200, noNaN: true }), { minLength: 1, maxLength: 30 }),
      fc.uuid(),
      async (values, name) => {
        const histogram = metrics.histogram('millrace_invocation_duration_seconds', { function: name, namespace: 'n' })
        for (const value of values) histogram.observe(value)
        const text = await metrics.render()
        for (const bound of metricsTable.millrace_invocation_duration_seconds.buckets) {
          const expected = values.filter((value) => value <= bound).length
          expect(text).toContain(`_bucket{function="${name}",namespace="n",le="${bound}"} ${expected}\n`)
        }
        expect(text).toContain(`_bucket{function="${name}",namespace="n",le="+Inf"} ${values.length}\n`)
        expect(text).toContain(`_count{function="${name}",namespace="n"} ${values.length}\n`)
        metrics.forgetFunction({ function: name, namespace: 'n' })
        expect(await metrics.render()).not.toContain(name)
      },
    ),
    { numRuns: 20 },
  )
})

test('topics beyond the bound, or outside the allow-list, share one label', () => {
  const bounded = createMetrics({ table: metricsTable, maxTopics: 2 })
  expect(['a', 'b', 'c', 'a', 'd'].map(bounded.topicLabel)).toEqual(['a', 'b', '_other', 'a', '_other'])
  const listed = createMetrics({ table: metricsTable, topics: ['b'] })
  expect(['a', 'b'].map(listed.topicLabel)).toEqual(['_other', 'b'])
})

test('sets of labels beyond the bound share one series', async () => {
  const metrics = createMetrics({ table: metricsTable, maxSeries: 3 })
  for (let index = 0; index < 10; index += 1) metrics.counter('millrace_retries_total', { reason: `r${index}` }).inc()
  const text = await metrics.render()
  expect(text.match(/^millrace_retries_total\{/gm)).toHaveLength(4)
  expect(text).toContain('millrace_retries_total{reason="_other"} 7')
})

test('T36 hostile labels stay inside their quotes: one line a sample, whatever they hold', async () => {
  const line = /^(?:#.*|[a-z_]+(?:\{(?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)*\})? [\d.e+-]+|)$/
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: anyUnit, maxLength: 300 }), async (hostile) => {
      const metrics = createMetrics({ table: { millrace_x_total: { type: 'counter', help: 'X.', labels: ['topic'] } } as const })
      metrics.counter('millrace_x_total', { topic: `${hostile}"} 9\nmillrace_forged 1\r\n` }).inc()
      for (const part of (await metrics.render()).split('\n')) expect(part).toMatch(line)
    }),
  )
})

test('each connector has a registry of its own, a broken collector takes nobody down', async () => {
  const [one, two] = [createMetrics({ table: metricsTable }), createMetrics({ table: metricsTable })]
  one.gauge('millrace_inflight', {}).set(5)
  one.onScrape(() => {
    throw new Error('broken')
  })
  one.onScrape(() => one.gauge('millrace_paused_intakes', {}).set(2))
  expect(await one.render()).toMatch(/millrace_inflight 5\n[^]*millrace_paused_intakes 2\n/)
  expect(await two.render()).toContain('millrace_inflight 0\n')
})

test('an alias shows the numbers of its row under another name: all of them, with the labels it has, once it is asked for', async () => {
  const table = {
    millrace_x_total: {
      type: 'counter',
      help: 'X.',
      labels: ['queue', 'result'],
      also: [
        { of: 'pro', name: 'pro_x_total', labels: ['queue'] },
        { of: 'pro', name: 'pro_same_total' },
      ],
    },
    millrace_y_seconds: {
      type: 'histogram',
      help: 'Y.',
      labels: ['queue', 'result'],
      unit: 'seconds',
      buckets: [1],
      also: [{ of: 'pro', name: 'pro_y_seconds', labels: [] }],
    },
  } as const
  const entry = fc.record({ queue: fc.constantFrom('a', 'b'), result: fc.constantFrom('ok', 'failed'), by: fc.nat(9) })
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { minLength: 1, maxLength: 20 }), async (entries) => {
      const metrics = createMetrics({ table, compat: 'pro' })
      for (const { queue, result, by } of entries) {
        metrics.counter('millrace_x_total', { queue, result }).inc(by)
        metrics.histogram('millrace_y_seconds', { queue, result }).observe(by)
      }
      const text = await metrics.render()
      const sum = (some: typeof entries): number => some.reduce((total, { by }) => total + by, 0)
      for (const { queue, result } of entries) {
        const ofQueue = entries.filter((other) => other.queue === queue)
        expect(text).toContain(`\npro_x_total{queue="${queue}"} ${sum(ofQueue)}\n`)
        const same = sum(ofQueue.filter((other) => other.result === result))
        for (const name of ['millrace_x_total', 'pro_same_total'])
          expect(text).toContain(`\n${name}{queue="${queue}",result="${result}"} ${same}\n`)
      }
      expect(text).toContain(`\npro_y_seconds_bucket{le="1"} ${entries.filter(({ by }) => by <= 1).length}\n`)
      expect(text).toContain(`\npro_y_seconds_sum ${sum(entries)}\npro_y_seconds_count ${entries.length}\n`)
      expect(text).toContain('# HELP pro_x_total X.\n# TYPE pro_x_total counter\n')
    }),
    { numRuns: 30 },
  )
  for (const compat of [{}, { compat: 'none' as const }]) expect(await createMetrics({ table, ...compat }).render()).not.toContain('pro_')
})

test('an alias that is another metric is a fault of the table', () => {
  const x = { type: 'counter', help: 'X.', labels: [], also: [{ of: 'pro', name: 'millrace_y_total' }] } as const
  const table = { millrace_x_total: x, millrace_y_total: { type: 'counter', help: 'Y.', labels: [] } } as const
  expect(() => createMetrics({ table, compat: 'pro' })).toThrow('millrace_y_total')
})
