/** Whose names metrics have beside their own. */
export type MetricsCompat = 'none' | 'pro'

/** The same numbers under a name of another connector, so that its dashboards and alerts go on. */
export interface MetricAlias {
  readonly of: Exclude<MetricsCompat, 'none'>
  readonly name: string
  /** Of the labels of the row; what differs in the others alone is added up. @default all */
  readonly labels?: readonly string[]
}

/** One metric. Names are snake case in base units, by the conventions of Prometheus (prometheus.io/docs/practices/naming). */
export interface MetricRow {
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** One sentence. */
  readonly help: string
  /** Never an event id, a key, an offset or a URL. */
  readonly labels: readonly string[]
  readonly unit?: 'seconds' | 'bytes'
  /** The series of a function stay when it is removed, because they tell what became of its last events. */
  readonly outlivesFunction?: true
  /** Of a histogram, rising, without +Inf. */
  readonly buckets?: readonly number[]
  /** Shown as well where `metrics_compat` asks for it; nothing is counted twice. */
  readonly also?: readonly MetricAlias[]
}

/** Metrics by their full names. A connector adds rows of its own, `millrace_<source>_...`. */
export type MetricsTable = Readonly<Record<`millrace_${string}`, MetricRow>>

/** Every metric of the SDK, a `MetricsTable`. `docs/metrics.md` is generated from it. */
export const metricsTable = {
  millrace_build_info: {
    type: 'gauge',
    help: 'Always 1; the labels say what runs.',
    labels: ['version', 'source', 'node'],
  },
  millrace_lifecycle_state: {
    type: 'gauge',
    help: '1 for the state of the connector (starting, discovering, running, paused, draining, stopped), 0 for the others.',
    labels: ['state'],
  },
  millrace_config_reload_success: {
    type: 'gauge',
    help: '1 when the last reading of the configuration was good, 0 when it was refused.',
    labels: [],
  },
  millrace_events_received_total: {
    type: 'counter',
    help: 'Events that the source has handed over.',
    labels: ['topic'],
  },
  millrace_events_acked_total: {
    type: 'counter',
    help: 'Events acknowledged without a dead letter. Filtered, dropped and unmatched ones are among them.',
    labels: ['topic'],
  },
  millrace_events_dead_total: {
    type: 'counter',
    help: 'Events acknowledged after at least one function ended in the dead letters.',
    labels: ['topic'],
  },
  millrace_events_released_total: {
    type: 'counter',
    help: 'Events given back unsettled: drain, revoked, lost, or unlisted (the function has gone, and the source keeps them). They come again.',
    labels: ['reason'],
  },
  millrace_events_unmatched_total: {
    type: 'counter',
    help: 'Events that no function wants, by what the policy `unmatched` made of them.',
    labels: ['topic', 'policy'],
  },
  millrace_events_filtered_total: {
    type: 'counter',
    help: 'Events that the filter of a function did not want, per function.',
    labels: ['function', 'namespace'],
  },
  millrace_events_dropped_total: {
    type: 'counter',
    help: 'Events that a written policy dropped, per function.',
    labels: ['function', 'namespace'],
    outlivesFunction: true,
  },
  millrace_events_deferred_total: {
    type: 'counter',
    help: 'Routes that the source took over for a delayed retry.',
    labels: ['function', 'namespace'],
  },
  millrace_fenced_total: {
    type: 'counter',
    help: 'Results that came after their event had been released, and settled nothing.',
    labels: ['function', 'namespace'],
  },
  millrace_ack_failures_total: {
    type: 'counter',
    help: 'Acknowledgements that the source could not make; the broker gives these events again.',
    labels: [],
  },
  millrace_invocations_total: {
    type: 'counter',
    help: 'Finished attempts by what the settle table made of them: done, accepted (async: queued, not known to have run), retry, dead-letter, drop, hold.',
    labels: ['function', 'namespace', 'topic', 'outcome'],
  },
  millrace_invocation_duration_seconds: {
    type: 'histogram',
    help: 'Time of an attempt, from connecting to the last byte of the reply.',
    labels: ['function', 'namespace'],
    unit: 'seconds',
    // OpenTelemetry's buckets for `messaging.process.duration` (semconv v1.44.0), and longer ones for slow functions.
    buckets: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60, 120],
  },
  millrace_event_duration_seconds: {
    type: 'histogram',
    help: "Time from an event's arrival until it was acknowledged, all functions and retries included.",
    labels: [],
    unit: 'seconds',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60, 120, 600, 3600, 21_600, 86_400],
  },
  millrace_headers_dropped_total: {
    type: 'counter',
    help: 'Headers of events that were not forwarded: on the deny-list, invalid, or over a limit.',
    labels: [],
  },
  millrace_inflight: {
    type: 'gauge',
    help: 'Attempts in flight.',
    labels: [],
  },
  millrace_inflight_events: {
    type: 'gauge',
    help: 'Events that are neither acknowledged nor released.',
    labels: [],
  },
  millrace_queue_events: {
    type: 'gauge',
    help: 'Events in the connector that no attempt is made for just now: they wait for their turn, a retry or a dead letter.',
    labels: [],
  },
  millrace_queue_bytes: {
    type: 'gauge',
    help: 'Bytes of data and headers of all events in the connector.',
    labels: [],
    unit: 'bytes',
  },
  millrace_paused_intakes: {
    type: 'gauge',
    help: 'Intakes paused by back-pressure.',
    labels: [],
  },
  millrace_oldest_unacked_age_seconds: {
    type: 'gauge',
    help: 'Age of the oldest event that is not settled; 0 when there is none.',
    labels: [],
    unit: 'seconds',
  },
  millrace_conservation_drift: {
    type: 'gauge',
    help: 'received - (acked + dead + released + in flight). Anything but 0 is a fault in Millrace.',
    labels: [],
  },
  millrace_last_success_timestamp_seconds: {
    type: 'gauge',
    help: 'When a function last succeeded, in seconds since 1970; 0 when none has.',
    labels: [],
    unit: 'seconds',
  },
  millrace_retries_total: {
    type: 'counter',
    help: 'Retries that were scheduled, by the row of the settle table.',
    labels: ['reason'],
  },
  millrace_dead_letters_total: {
    type: 'counter',
    help: 'Letters written durably, by reason.',
    labels: ['reason'],
  },
  millrace_dead_letter_failures_total: {
    type: 'counter',
    help: 'Writes of letters that failed; each is tried again and nothing is acknowledged before.',
    labels: [],
  },
  millrace_circuit_state: {
    type: 'gauge',
    help: 'Breaker: 0 closed, 1 half-open, 2 open. The scope is gateway or function.',
    labels: ['scope', 'function', 'namespace'],
  },
  millrace_source_connected: {
    type: 'gauge',
    help: '1 while the source has a session with its broker.',
    labels: [],
  },
  millrace_source_reconnects_total: {
    type: 'counter',
    help: 'Sessions that were lost or could not be opened.',
    labels: [],
  },
  millrace_topic_map_functions: {
    type: 'gauge',
    help: 'Functions in the topic map.',
    labels: [],
  },
  millrace_topic_map_topics: {
    type: 'gauge',
    help: 'Exact topics and patterns in the topic map.',
    labels: [],
  },
  millrace_topic_map_age_seconds: {
    type: 'gauge',
    help: 'Time since the functions were last read well.',
    labels: [],
    unit: 'seconds',
  },
  millrace_topic_map_problems: {
    type: 'gauge',
    help: 'Annotations that cannot be used just now.',
    labels: [],
  },
  millrace_discovery_failures_total: {
    type: 'counter',
    help: 'Readings of the functions that failed; the last good map stays.',
    labels: ['code'],
  },
  millrace_event_loop_lag_seconds: {
    type: 'gauge',
    help: 'How late the last heartbeat of the event loop was.',
    labels: [],
    unit: 'seconds',
  },
  millrace_process_resident_memory_bytes: {
    type: 'gauge',
    help: 'Resident memory of the process.',
    labels: [],
    unit: 'bytes',
  },
  millrace_process_heap_used_bytes: {
    type: 'gauge',
    help: 'What JavaScript objects take, garbage included: a leak is a lowest value that rises for hours.',
    labels: [],
    unit: 'bytes',
  },
} as const
