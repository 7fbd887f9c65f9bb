import { expect, test } from 'vitest'
import type { Reply, RouteResult } from '../../../src/contract/delivery.ts'
import type { MillraceEvent } from '../../../src/contract/event.ts'
import type { Outcome } from '../../../src/contract/outcome.ts'
import type { AttemptReport } from '../../../src/core/delivery/observer.ts'
import { metricsTable } from '../../../src/ports/metrics/metrics-table.ts'
import { metricsObserver, scrapeStats } from '../../../src/ports/metrics/observer.ts'
import { createMetrics } from '../../../src/ports/metrics/registry.ts'

const event: MillraceEvent = { id: 'canary-id-1', source: '/s', type: 't', topic: 'orders', data: new Uint8Array(), headers: [] }
const reply: Reply = { status: 200, headers: {}, body: new Uint8Array(), truncated: false }
const report = (outcome: Outcome, more: Partial<AttemptReport> = {}): AttemptReport => ({
  event,
  function: 'billing.prod',
  attempt: 1,
  async: false,
  row: 'S1',
  result: { kind: 'response', reply, durationMs: 20 },
  outcome,
  ...more,
})
const result = (outcome: RouteResult['outcome']): RouteResult => ({ target: { function: 'billing.prod', attempts: 1 }, outcome })

const setUp = () => {
  const metrics = createMetrics({ table: metricsTable })
  return { metrics, observer: metricsObserver(metrics, () => 1_700_000_000_500) }
}

test('an event that succeeds', async () => {
  const { metrics, observer } = setUp()
  observer.received?.(event, 'p0')
  observer.attemptFinished?.(report({ kind: 'done' }))
  observer.acknowledged?.(event, { results: [result('done')] }, 30)
  const text = await metrics.render()
  for (const line of [
    'millrace_events_received_total{topic="orders"} 1',
    'millrace_events_acked_total{topic="orders"} 1',
    'millrace_invocations_total{function="billing",namespace="prod",topic="orders",outcome="done"} 1',
    'millrace_invocation_duration_seconds_sum{function="billing",namespace="prod"} 0.02',
    'millrace_event_duration_seconds_count 1',
    'millrace_last_success_timestamp_seconds 1700000000.5',
  ]) {
    expect(text).toContain(`\n${line}\n`)
  }
  expect(text).not.toContain('canary-id')
})

test('N4 an asynchronous hand-over is counted apart from a success', async () => {
  const { metrics, observer } = setUp()
  observer.attemptFinished?.(report({ kind: 'done' }, { async: true }))
  const text = await metrics.render()
  expect(text).toContain('outcome="accepted"} 1')
  expect(text).not.toContain('outcome="done"')
})

test('retries, dead letters, breakers and what was not delivered', async () => {
  const { metrics, observer } = setUp()
  observer.attemptFinished?.(report({ kind: 'retry', afterMs: 1, clock: 'attempts', counts: true }, { row: 'S7' }))
  observer.attemptFinished?.(report({ kind: 'hold', afterMs: 1, reason: 'denied' }, { row: 'S4' }))
  observer.attemptFinished?.(report({ kind: 'dead-letter', reason: 'exhausted' }, { row: 'S7' }))
  observer.deadLetterWritten?.({ event, intake: 'p0', reason: 'exhausted', detail: '', attempts: 3, history: [], diedAt: 0, hops: 0 })
  observer.deadLetterFailed?.(
    { event, intake: 'p0', reason: 'exhausted', detail: '', attempts: 3, history: [], diedAt: 0, hops: 0 },
    new Error('x'),
    1,
  )
  observer.acknowledged?.(event, { results: [result('done'), result('dead-lettered')] }, 30)
  for (const outcome of ['filtered', 'dropped', 'deferred', 'done'] as const) observer.routeSettled?.(event, result(outcome))
  observer.unmatched?.(event, 'ack')
  observer.released?.(event, 'drain')
  observer.fenced?.(event, 'billing.prod')
  observer.ackFailed?.(event, new Error('x'))
  observer.breakerChanged?.('gateway', 'open', '')
  observer.breakerChanged?.({ function: 'billing.prod' }, 'half-open', '')
  const text = await metrics.render()
  const labels = '{function="billing",namespace="prod"}'
  for (const line of [
    'millrace_retries_total{reason="S7"} 1',
    'millrace_retries_total{reason="S4"} 1',
    'millrace_dead_letters_total{reason="exhausted"} 1',
    'millrace_dead_letter_failures_total 1',
    'millrace_events_dead_total{topic="orders"} 1',
    `millrace_events_filtered_total${labels} 1`,
    `millrace_events_dropped_total${labels} 1`,
    `millrace_events_deferred_total${labels} 1`,
    `millrace_fenced_total${labels} 1`,
    'millrace_events_unmatched_total{topic="orders",policy="ack"} 1',
    'millrace_events_released_total{reason="drain"} 1',
    'millrace_ack_failures_total 1',
    'millrace_circuit_state{scope="gateway",function="",namespace=""} 2',
    'millrace_circuit_state{scope="function",function="billing",namespace="prod"} 1',
  ]) {
    expect(text).toContain(`\n${line}\n`)
  }
  expect(text).not.toContain('events_acked_total{')
})

test('a function that was forgotten and comes back is counted again, from 0', async () => {
  const { metrics, observer } = setUp()
  const labels = 'function="billing",namespace="prod"'
  for (let n = 0; n < 3; n += 1) {
    observer.attemptFinished?.(report({ kind: 'done' }))
    observer.routeSettled?.(event, result('filtered'))
    observer.fenced?.(event, 'billing.prod')
  }
  metrics.forgetFunction({ function: 'billing', namespace: 'prod' })
  expect(await metrics.render()).not.toContain(labels)
  observer.attemptFinished?.(report({ kind: 'done' }))
  observer.routeSettled?.(event, result('filtered'))
  observer.fenced?.(event, 'billing.prod')
  const text = await metrics.render()
  for (const line of [
    `millrace_invocations_total{${labels},topic="orders",outcome="done"} 1`,
    `millrace_invocation_duration_seconds_count{${labels}} 1`,
    `millrace_events_filtered_total{${labels}} 1`,
    `millrace_fenced_total{${labels}} 1`,
  ]) {
    expect(text).toContain(`\n${line}\n`)
  }
})

test('no series is looked up by its labels twice on the way of an event', () => {
  const metrics = createMetrics({ table: metricsTable })
  let lookups = 0
  const counted = <F extends (...given: never[]) => unknown>(look: F): F =>
    ((...given: never[]) => {
      lookups += 1
      return look(...given)
    }) as unknown as F
  const observer = metricsObserver(
    { ...metrics, counter: counted(metrics.counter), gauge: counted(metrics.gauge), histogram: counted(metrics.histogram) },
    () => 0,
  )
  const all = (): void => {
    observer.received?.(event, 'p0')
    observer.unmatched?.(event, 'ack')
    observer.attemptFinished?.(report({ kind: 'done' }))
    observer.attemptFinished?.(report({ kind: 'retry', afterMs: 1, clock: 'attempts', counts: true }, { row: 'S7' }))
    for (const outcome of ['filtered', 'dropped', 'deferred', 'done'] as const) observer.routeSettled?.(event, result(outcome))
    observer.fenced?.(event, 'billing.prod')
    observer.deadLetterWritten?.({ event, intake: 'p0', reason: 'exhausted', detail: '', attempts: 3, history: [], diedAt: 0, hops: 0 })
    observer.acknowledged?.(event, { results: [result('done')] }, 30)
    observer.released?.(event, 'drain')
    observer.ackFailed?.(event, new Error('x'))
  }
  all()
  const once = lookups
  for (let n = 0; n < 100; n += 1) all()
  expect(lookups).toBe(once)
})

test('the gauges of the delivery core are read at the scrape', async () => {
  const { metrics } = setUp()
  let received = 7
  const stats = {
    received,
    acked: 1,
    dead: 1,
    released: 1,
    inFlight: 4,
    drift: 0,
    inFlightAttempts: 3,
    queuedBytes: 99,
    oldestUnackedMs: 1500,
    pausedIntakes: 1,
  }
  scrapeStats(metrics, () => ({ ...stats, received, drift: received - 7 }))
  expect(await metrics.render()).toMatch(
    /millrace_inflight 3\n[^]*millrace_inflight_events 4\n[^]*millrace_queue_events 1\n[^]*millrace_queue_bytes 99\n[^]*millrace_oldest_unacked_age_seconds 1.5\n[^]*millrace_conservation_drift 0\n/,
  )
  received = 9
  expect(await metrics.render()).toContain('millrace_conservation_drift 2\n')
})
