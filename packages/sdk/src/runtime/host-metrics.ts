import { isMillraceError } from '../core/errors.ts'
import type { LoopWatch } from '../core/loop-watch.ts'
import { version } from '../core/version.ts'
import { functionLabels } from '../ports/metrics/function-labels.ts'
import { scrapeStats } from '../ports/metrics/observer.ts'
import type { Metrics } from '../ports/metrics/registry.ts'
import type { DeliveryStats } from '../core/delivery/stats.ts'
import type { Connector } from './connector.ts'
import { lifeCycleNumbers, type LifeCycleState } from './life-cycle.ts'

const sum = (connectors: readonly Connector[]): DeliveryStats => {
  const all = connectors.map((connector) => connector.stats())
  const total = (pick: (stats: DeliveryStats) => number): number => all.reduce((so, stats) => so + pick(stats), 0)
  return {
    received: total((s) => s.received),
    acked: total((s) => s.acked),
    dead: total((s) => s.dead),
    released: total((s) => s.released),
    inFlight: total((s) => s.inFlight),
    drift: total((s) => s.drift),
    inFlightAttempts: total((s) => s.inFlightAttempts),
    queuedBytes: total((s) => s.queuedBytes),
    oldestUnackedMs: Math.max(0, ...all.map((s) => s.oldestUnackedMs)),
    pausedIntakes: total((s) => s.pausedIntakes),
  }
}

/** The state of several connectors as one: running only when all are. */
export const overallState = (connectors: readonly Connector[]): LifeCycleState =>
  connectors.map((connector) => connector.state).find((state) => state !== 'running') ?? 'running'

/** Sets the gauges of the connectors before each scrape and counts what they tell. */
export const hostMetrics = (metrics: Metrics, connectors: readonly Connector[], sources: readonly string[], loop: LoopWatch): void => {
  scrapeStats(metrics, () => sum(connectors))
  for (const source of sources) metrics.gauge('millrace_build_info', { version, source, node: process.version }).set(1)
  metrics.gauge('millrace_config_reload_success', {}).set(1)
  const connected = new Set<Connector>()
  let listedAt = Date.now()
  for (const connector of connectors) {
    connector.on('source:connected', () => connected.add(connector))
    connector.on('source:lost', () => {
      connected.delete(connector)
      metrics.counter('millrace_source_reconnects_total', {}).inc()
    })
    connector.on('discovery:listed', ({ at }) => (listedAt = at))
    connector.on('map:changed', ({ change }) => {
      for (const { function: name } of change.removed) metrics.forgetFunction(functionLabels(name))
    })
    connector.on('discovery:failed', ({ error }) => {
      metrics.counter('millrace_discovery_failures_total', { code: isMillraceError(error) ? error.code : 'unknown' }).inc()
    })
  }
  metrics.onScrape(() => {
    const state = overallState(connectors)
    for (const name of Object.keys(lifeCycleNumbers)) metrics.gauge('millrace_lifecycle_state', { state: name }).set(name === state ? 1 : 0)
    metrics.gauge('millrace_source_connected', {}).set(connected.size === connectors.length ? 1 : 0)
    const map = connectors[0]?.topicMap
    metrics.gauge('millrace_topic_map_functions', {}).set(map?.functions.length ?? 0)
    metrics.gauge('millrace_topic_map_topics', {}).set(map === undefined ? 0 : map.exactTopics().length + map.patterns().length)
    metrics.gauge('millrace_topic_map_age_seconds', {}).set((Date.now() - listedAt) / 1000)
    metrics.gauge('millrace_topic_map_problems', {}).set(connectors.reduce((so, connector) => so + connector.problems().length, 0))
    metrics.gauge('millrace_event_loop_lag_seconds', {}).set(loop.lagMs / 1000)
    const { rss, heapUsed } = process.memoryUsage()
    metrics.gauge('millrace_process_resident_memory_bytes', {}).set(rss)
    metrics.gauge('millrace_process_heap_used_bytes', {}).set(heapUsed)
  })
}
