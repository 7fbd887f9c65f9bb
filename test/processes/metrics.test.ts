import { expect, test } from 'vitest'
import { parseMetrics } from './metrics.ts'

const text = String.raw`# HELP millrace_events_received_total Events.
# TYPE millrace_events_received_total counter
millrace_events_received_total{topic="orders"} 5
millrace_events_received_total{topic="a \"b\" \\ {c},d=\n"} 2.5
millrace_inflight 1e3
millrace_latency_bucket{le="+Inf"} +Inf 1700000000000
`

test('reads names, labels with every kind of escape, and values', () => {
  const { samples } = parseMetrics(text)
  expect(samples.map(({ name, value }) => [name, value])).toEqual([
    ['millrace_events_received_total', 5],
    ['millrace_events_received_total', 2.5],
    ['millrace_inflight', 1000],
    ['millrace_latency_bucket', Number.POSITIVE_INFINITY],
  ])
  expect(samples[1]?.labels.get('topic')).toBe('a "b" \\ {c},d=\n')
})

test('sums over the series that fit', () => {
  const metrics = parseMetrics(text)
  expect(metrics.sum('millrace_events_received_total')).toBe(7.5)
  expect(metrics.sum('millrace_events_received_total', { topic: 'orders' })).toBe(5)
  expect(metrics.sum('millrace_events_received_total', { topic: 'none' })).toBe(0)
  expect(metrics.sum('millrace_none')).toBe(0)
})
