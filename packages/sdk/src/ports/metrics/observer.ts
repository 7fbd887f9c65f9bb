import type { RouteResult, Settlement } from '../../contract/delivery.ts'
import type { DeliveryStats } from '../../core/delivery/stats.ts'
import type { AttemptReport, BreakerState, DeliveryObserver } from '../../core/delivery/observer.ts'
import { functionLabels } from './function-labels.ts'
import type { Metrics } from './registry.ts'

const stateNumbers: Readonly<Record<BreakerState, number>> = { closed: 0, 'half-open': 1, open: 2 }

interface Counter {
  inc(by?: number): void
}

/** Children by key, so that the hot path looks up a string and adds. Bounded, since keys come from outside. */
const memo = <Child>(create: (key: string) => Child, known: Map<string, Child> = new Map<string, Child>()): ((key: string) => Child) => {
  return (key) => {
    const found = known.get(key)
    if (found !== undefined) return found
    if (known.size >= 10_000) known.clear()
    const child = create(key)
    known.set(key, child)
    return child
  }
}

/** Children by function: looked up again once a function was forgotten, which may come back. */
const functionMemo = <Child>(metrics: Metrics, create: (name: string) => Child): ((name: string) => Child) => {
  const known = new Map<string, Child>()
  metrics.onForget(() => known.clear())
  return memo(create, known)
}

/** Per function: its histogram, and its counters by topic and outcome. */
const invocationCells = (metrics: Metrics): ((report: AttemptReport, outcome: string) => void) => {
  const perFunction = functionMemo(metrics, (name) => {
    const labels = functionLabels(name)
    return {
      duration: metrics.histogram('millrace_invocation_duration_seconds', labels),
      perTopic: memo((topic) => memo((outcome): Counter => metrics.counter('millrace_invocations_total', { ...labels, topic, outcome }))),
    }
  })
  return (report, outcome) => {
    const { duration, perTopic } = perFunction(report.function)
    if (report.result.kind !== 'aborted') duration.observe(report.result.durationMs / 1000)
    perTopic(metrics.topicLabel(report.event.topic))(outcome).inc()
  }
}

const outcomeOf = ({ outcome, async }: AttemptReport): string => (outcome.kind === 'done' && async ? 'accepted' : outcome.kind)

const attemptMetrics = (metrics: Metrics, now: () => number): Pick<DeliveryObserver, 'attemptFinished' | 'routeSettled' | 'fenced'> => {
  const count = invocationCells(metrics)
  const retries = memo((reason) => metrics.counter('millrace_retries_total', { reason }))
  const filtered = functionMemo(metrics, (name) => metrics.counter('millrace_events_filtered_total', functionLabels(name)))
  const dropped = functionMemo(metrics, (name) => metrics.counter('millrace_events_dropped_total', functionLabels(name)))
  const deferred = functionMemo(metrics, (name) => metrics.counter('millrace_events_deferred_total', functionLabels(name)))
  const fenced = functionMemo(metrics, (name) => metrics.counter('millrace_fenced_total', functionLabels(name)))
  const lastSuccess = metrics.gauge('millrace_last_success_timestamp_seconds', {})
  return {
    attemptFinished: (report) => {
      if (report.result.kind === 'aborted') return
      count(report, outcomeOf(report))
      if (report.outcome.kind === 'retry' || report.outcome.kind === 'hold') retries(report.row).inc()
      if (report.outcome.kind === 'done') lastSuccess.set(now() / 1000)
    },
    routeSettled: (_event, result: RouteResult) => {
      if (result.outcome === 'filtered') filtered(result.target.function).inc()
      else if (result.outcome === 'dropped') dropped(result.target.function).inc()
      else if (result.outcome === 'deferred') deferred(result.target.function).inc()
    },
    fenced: (_event, functionName) => fenced(functionName).inc(),
  }
}

const eventMetrics = (metrics: Metrics): Pick<DeliveryObserver, 'received' | 'unmatched' | 'acknowledged' | 'released' | 'ackFailed'> => {
  const received = memo((topic) => metrics.counter('millrace_events_received_total', { topic }))
  const acked = memo((topic) => metrics.counter('millrace_events_acked_total', { topic }))
  const dead = memo((topic) => metrics.counter('millrace_events_dead_total', { topic }))
  const unmatched = memo((policy) => memo((topic) => metrics.counter('millrace_events_unmatched_total', { topic, policy })))
  const released = memo((reason) => metrics.counter('millrace_events_released_total', { reason }))
  const took = metrics.histogram('millrace_event_duration_seconds', {})
  const ackFailures = metrics.counter('millrace_ack_failures_total', {})
  return {
    received: (event) => received(metrics.topicLabel(event.topic)).inc(),
    unmatched: (event, policy) => unmatched(policy)(metrics.topicLabel(event.topic)).inc(),
    acknowledged: (event, settlement: Settlement, tookMs) => {
      const isDead = settlement.results.some((result) => result.outcome === 'dead-lettered')
      const cells = isDead ? dead : acked
      cells(metrics.topicLabel(event.topic)).inc()
      took.observe(tookMs / 1000)
    },
    released: (_event, reason) => released(reason).inc(),
    ackFailed: () => ackFailures.inc(),
  }
}

/** Turns what the delivery core reports into metrics. @param now epoch milliseconds */
export const metricsObserver = (metrics: Metrics, now: () => number): DeliveryObserver => {
  const letters = memo((reason) => metrics.counter('millrace_dead_letters_total', { reason }))
  const letterFailures = metrics.counter('millrace_dead_letter_failures_total', {})
  const headersDropped = metrics.counter('millrace_headers_dropped_total', {})
  const gateway = metrics.gauge('millrace_circuit_state', { scope: 'gateway', function: '', namespace: '' })
  return {
    ...eventMetrics(metrics),
    ...attemptMetrics(metrics, now),
    deadLetterWritten: (letter) => letters(letter.reason).inc(),
    deadLetterFailed: () => letterFailures.inc(),
    headersDropped: (_event, count) => headersDropped.inc(count),
    breakerChanged: (scope, state) => {
      const gauge =
        scope === 'gateway' ? gateway : metrics.gauge('millrace_circuit_state', { scope: 'function', ...functionLabels(scope.function) })
      gauge.set(stateNumbers[state])
    },
  }
}

/** Sets the gauges of the delivery core before each scrape. */
export const scrapeStats = (metrics: Metrics, stats: () => DeliveryStats): void => {
  const inflight = metrics.gauge('millrace_inflight', {})
  const events = metrics.gauge('millrace_inflight_events', {})
  const queued = metrics.gauge('millrace_queue_events', {})
  const bytes = metrics.gauge('millrace_queue_bytes', {})
  const oldest = metrics.gauge('millrace_oldest_unacked_age_seconds', {})
  const drift = metrics.gauge('millrace_conservation_drift', {})
  const paused = metrics.gauge('millrace_paused_intakes', {})
  metrics.onScrape(() => {
    const now = stats()
    inflight.set(now.inFlightAttempts)
    events.set(now.inFlight)
    queued.set(Math.max(0, now.inFlight - now.inFlightAttempts))
    bytes.set(now.queuedBytes)
    oldest.set(now.oldestUnackedMs / 1000)
    drift.set(now.drift)
    paused.set(now.pausedIntakes)
  })
}
