import { formatDuration } from '@millrace/sdk'
import type { SourceMetrics } from '@millrace/sdk'
import { consumerStateNumbers } from '../consumer/observer.ts'
import type { ConsumerState, ConsumerView, RabbitmqObserver } from '../consumer/observer.ts'

/** What a queue holds, as the broker last said. */
export interface QueueDepth {
  readonly ready: number
  /** Absent: the broker was asked in a way that does not tell it. */
  readonly unacked?: number
}

/** Counts the time under an alarm, at its end and before each scrape while it lasts. */
const blockedTime = (metrics: SourceMetrics, now: () => number): ((blocked: boolean) => void) => {
  let since: number | undefined
  let forget = (): void => {}
  const count = (): void => {
    if (since === undefined) return
    const at = now()
    metrics.counter('millrace_rabbitmq_blocked_seconds_total').inc(Math.max(0, at - since) / 1000)
    since = at
  }
  return (blocked) => {
    metrics.gauge('millrace_rabbitmq_blocked').set(blocked ? 1 : 0)
    if (blocked === (since !== undefined)) return
    count()
    forget()
    since = blocked ? now() : undefined
    forget = blocked ? metrics.onScrape(count) : () => {}
  }
}

/** Counters of one name by queue, kept: to look one up by its labels costs more than the rest of a message's counting. */
const perQueue = (metrics: SourceMetrics, name: string): ((queue: string, by?: number) => void) => {
  // By label, of which there is a bounded number.
  const known = new Map<string, ReturnType<SourceMetrics['counter']>>()
  return (queue, by = 1) => {
    const label = metrics.topicLabel(queue)
    let counter = known.get(label)
    if (counter === undefined) {
      counter = metrics.counter(`millrace_rabbitmq_${name}_total`, { queue: label })
      known.set(label, counter)
    }
    counter.inc(by)
  }
}

/** Counts in the connector's metrics. @param now milliseconds of a monotonic clock */
export const countingObserver = (metrics: SourceMetrics, now: () => number): RabbitmqObserver => {
  const [delivered, redelivered] = [perQueue(metrics, 'delivered'), perQueue(metrics, 'redelivered')]
  const [acknowledged, ackFrames] = [perQueue(metrics, 'acknowledged'), perQueue(metrics, 'ack_frames')]
  const [fenced, repeats, letters] = [perQueue(metrics, 'fenced'), perQueue(metrics, 'repeats'), perQueue(metrics, 'dead_letters')]
  const confirms = metrics.histogram('millrace_rabbitmq_confirm_duration_seconds')
  const count = (name: string, queue: string, more: Readonly<Record<string, string>> = {}): void =>
    metrics.counter(`millrace_rabbitmq_${name}_total`, { queue: metrics.topicLabel(queue), ...more }).inc()
  return {
    delivered(queue, isRedelivered) {
      delivered(queue)
      if (isRedelivered) redelivered(queue)
    },
    acknowledged(queue, messages, frames) {
      acknowledged(queue, messages)
      ackFrames(queue, frames)
    },
    fenced: (queue) => fenced(queue),
    deferred: (queue, tierMs) => count('retries', queue, { wait: formatDuration(tierMs) }),
    repeated: (queue) => repeats(queue),
    lettered: (queue) => letters(queue),
    published(error, tookMs) {
      if (error === undefined) confirms.observe(tookMs / 1000)
      else metrics.counter('millrace_rabbitmq_unconfirmed_total').inc()
    },
    replied: (queue, result) => count('replies', queue, { result }),
    quarantined: (queue, code) => count('quarantines', queue, { code }),
    recovered: () => {},
    linkLost: (role) => metrics.counter('millrace_rabbitmq_reconnects_total', { role }).inc(),
    blocked: blockedTime(metrics, now),
    checkpointed: (queue) => count('checkpoints', queue),
    checkpointFailed: (queue) => count('checkpoint_failures', queue),
  }
}

/** Gauges of queues with names from outside: a queue that has gone says 0 from then on. */
class QueueGauges {
  readonly #metrics: SourceMetrics
  readonly #values = new Map<string, Map<string, number>>()

  constructor(metrics: SourceMetrics) {
    this.#metrics = metrics
  }

  /** Several queues may share one label: their values are added up. */
  show(name: string, values: Iterable<readonly [queue: string, value: number]>): void {
    const known = this.#values.get(name) ?? new Map<string, number>()
    this.#values.set(name, known)
    for (const label of known.keys()) known.set(label, 0)
    for (const [queue, value] of values) {
      const label = this.#metrics.topicLabel(queue)
      known.set(label, (known.get(label) ?? 0) + value)
    }
    for (const [queue, value] of known) this.#metrics.gauge(name, { queue }).set(value)
  }
}

/** What is looked at before each scrape. */
export interface ScrapedState {
  consumers(): readonly ConsumerView[]
  /** By queue; `readAt` on the monotonic clock, absent before the first reading. */
  depths(): { readonly byQueue: ReadonlyMap<string, QueueDepth>; readonly readAt?: number }
  /** Which of them are dead-letter queues. */
  letterQueues(): ReadonlySet<string>
}

/** How far a stream is behind what has come of it. */
const lagOf = ({ position, lastOffset }: ConsumerView): number | undefined =>
  position === undefined || lastOffset === undefined ? undefined : Math.max(0, lastOffset + 1 - position)

/** Sets the gauges before each scrape, until the way to stop is called. @param now milliseconds of a monotonic clock */
export const scrapeConsumers = (metrics: SourceMetrics, state: ScrapedState, now: () => number): (() => void) => {
  const gauges = new QueueGauges(metrics)
  const show = (consumers: readonly ConsumerView[]): void => {
    const states = new Map<ConsumerState, number>()
    for (const { state: is } of consumers) states.set(is, (states.get(is) ?? 0) + 1)
    for (const is of Object.keys(consumerStateNumbers) as ConsumerState[])
      metrics.gauge('millrace_rabbitmq_consumers', { state: is }).set(states.get(is) ?? 0)
    gauges.show(
      'millrace_rabbitmq_inflight_messages',
      consumers.map(({ queue, inFlight }) => [queue, inFlight] as const),
    )
    gauges.show(
      'millrace_rabbitmq_refused_bindings',
      consumers.flatMap(({ queue, refusedBindings }) => (refusedBindings === undefined ? [] : [[queue, refusedBindings] as const])),
    )
    gauges.show(
      'millrace_rabbitmq_stream_lag_messages',
      consumers.flatMap((consumer) => {
        const lag = lagOf(consumer)
        return lag === undefined ? [] : [[consumer.queue, lag] as const]
      }),
    )
  }
  const showDepths = (): void => {
    const { byQueue, readAt } = state.depths()
    const letterQueues = state.letterQueues()
    const known = [...byQueue].filter(([queue]) => !letterQueues.has(queue))
    const ready = ([queue, depth]: readonly [string, QueueDepth]): readonly [string, number] => [queue, depth.ready]
    gauges.show('millrace_rabbitmq_ready_messages', known.map(ready))
    gauges.show('millrace_rabbitmq_letter_messages', [...byQueue].filter(([queue]) => letterQueues.has(queue)).map(ready))
    const unacked = known.flatMap(([queue, depth]) => (depth.unacked === undefined ? [] : [[queue, depth.unacked] as const]))
    gauges.show('millrace_rabbitmq_unacked_messages', unacked)
    metrics.gauge('millrace_rabbitmq_depth_age_seconds').set(readAt === undefined ? 0 : Math.max(0, now() - readAt) / 1000)
  }
  const forget = metrics.onScrape(() => {
    show(state.consumers())
    showDepths()
  })
  return () => {
    forget()
    // What this session held it holds no more: the next one begins from here.
    show([])
  }
}
