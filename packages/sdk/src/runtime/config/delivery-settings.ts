import type { DeliveryConfig } from './core-config.ts'
import { choice, duration, integer, path, size } from './schema.ts'
import { optionalSetting, setting } from './setting.ts'
import type { Component } from './setting.ts'

/** Limits, retries, and what becomes of events that fail. */
export const deliverySettings: Component<DeliveryConfig>['settings'] = {
  maxInflight: setting({
    name: 'max_inflight',
    type: integer(1, 100_000),
    default: '256',
    describe: 'Invocations at once, over all functions.',
    example: '512',
  }),
  maxInflightPerFunction: setting({
    name: 'max_inflight_per_function',
    type: integer(1, 100_000),
    default: '32',
    describe: 'Invocations of one function at once. The function can override it.',
    example: '64',
  }),
  retryAttempts: setting({
    name: 'retry_attempts',
    type: integer(1, 10_000),
    default: '10',
    describe: 'Calls of one event for one function, the first included, before it goes to the dead letters.',
    example: '6',
  }),
  retryMinWaitMs: setting({
    name: 'retry_min_wait',
    type: duration('1ms', '24h'),
    default: '500ms',
    describe: 'First wait before a retry; it doubles each time.',
    example: '1s',
  }),
  retryMaxWaitMs: setting({
    name: 'retry_max_wait',
    type: duration('1ms', '24h'),
    default: '60s',
    describe: 'Longest wait before a retry.',
    example: '120s',
  }),
  retryJitter: setting({
    name: 'retry_jitter',
    type: choice(['full', 'equal', 'none']),
    default: 'full',
    describe: 'How much of a wait is random: all of it, half of it, nothing.',
    example: 'equal',
  }),
  retryMaxAgeMs: setting({
    name: 'retry_max_age',
    type: duration('1s', '8760h'),
    default: '24h',
    describe: 'Age, from the first attempt, after which an event that still fails goes to the dead letters.',
    example: '6h',
  }),
  retryNotFoundGraceMs: setting({
    name: 'retry_not_found_grace',
    type: duration('0s', '24h'),
    default: '5m',
    describe: 'How long a 404 is taken for a function that is being deployed again.',
    example: '10m',
  }),
  retryAfterCapMs: setting({
    name: 'retry_after_cap',
    type: duration('0s', '24h'),
    default: '300s',
    describe: 'Longest `Retry-After` that is obeyed.',
    example: '60s',
  }),
  retryPoisonAfterMs: setting({
    name: 'retry_poison_after',
    type: duration('0s', '8760h'),
    default: '1h',
    describe: 'While a function has served nobody, nothing is given up as exhausted before this time.',
    example: '30m',
  }),
  unmatched: setting({
    name: 'unmatched',
    type: choice(['ack', 'hold', 'dead-letter']),
    default: 'ack',
    describe: 'What becomes of an event that no function wants: acknowledged and counted, held, or kept in the dead letters.',
    example: 'dead-letter',
  }),
  drainTimeoutMs: setting({
    name: 'drain_timeout',
    type: duration('0s', '1h'),
    default: '25s',
    describe: 'Time to finish what is in flight after SIGTERM; it must be shorter than `terminationGracePeriodSeconds`.',
    example: '50s',
  }),
  queueMaxEvents: setting({
    name: 'queue_max_events',
    type: integer(1, 10_000_000),
    default: '20000',
    describe: 'Events in the connector at once; at the bound the source is paused.',
    example: '5000',
  }),
  queueMaxBytes: setting({
    name: 'queue_max_bytes',
    type: size('64KiB', '16GiB'),
    default: '64MiB',
    describe: 'Bytes of event data in the connector at once; at the bound the source is paused.',
    example: '128MiB',
  }),
  queueWindow: setting({
    name: 'queue_window',
    type: integer(1, 10_000_000),
    default: '10000',
    describe: 'Events of one intake between the oldest unsettled one and the newest; at the bound the intake is paused.',
    example: '2000',
  }),
  maxEventBytes: setting({
    name: 'max_event_bytes',
    type: size('1B', '1GiB'),
    default: '16MiB',
    describe: 'Larger events go to the dead letters without a call.',
    example: '1MiB',
  }),
  replyCapBytes: setting({
    name: 'reply_cap',
    type: size('0B', '256MiB'),
    default: '1MiB',
    describe: 'Bytes of a reply that are read; the status decides, whatever the length.',
    example: '64KiB',
  }),
  deadLetterDir: optionalSetting({
    name: 'dead_letter_dir',
    type: path('a directory'),
    describe: 'Directory of the file dead letters, for sources without their own.',
    example: '/var/lib/millrace/dead-letters',
  }),
  stateDir: optionalSetting({
    name: 'state_dir',
    type: path('a directory'),
    describe: 'Directory of the state that must outlive a restart: cursors, checkpoints, the spool.',
    example: '/var/lib/millrace/state',
  }),
}
