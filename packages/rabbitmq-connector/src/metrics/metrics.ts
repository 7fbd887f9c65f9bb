import { dedupeMetrics } from '../dedupe/dedupe.ts'

const rows = {
  millrace_rabbitmq_ready_messages: {
    type: 'gauge',
    help: 'Messages that wait in a queue that this replica consumes, as the broker last said.',
    labels: ['queue'],
    also: [{ of: 'pro', name: 'rabbitmq_connector_queue_depth' }],
  },
  millrace_rabbitmq_unacked_messages: {
    type: 'gauge',
    help: 'Messages of such a queue that some consumer holds, of all replicas; only with rabbitmq_management_url.',
    labels: ['queue'],
  },
  millrace_rabbitmq_letter_messages: {
    type: 'gauge',
    help: 'Messages in a dead-letter queue of a queue that this replica consumes, as the broker last said: letters, and what the broker has put there itself, such as a message that killed its consumers (rabbitmq_delivery_limit).',
    labels: ['queue'],
  },
  millrace_rabbitmq_depth_age_seconds: {
    type: 'gauge',
    help: 'Since the broker last said how long the queues are; 0 before it ever has.',
    labels: [],
    unit: 'seconds',
  },
  millrace_rabbitmq_inflight_messages: {
    type: 'gauge',
    help: 'Messages of a queue that this replica holds unacknowledged.',
    labels: ['queue'],
  },
  millrace_rabbitmq_consumers: {
    type: 'gauge',
    help: 'Queues of this replica by what their consumer is doing: consuming, paused, quarantined, ...',
    labels: ['state'],
  },
  millrace_rabbitmq_refused_bindings: {
    type: 'gauge',
    help: 'Bindings of a queue that the broker refuses while the queue is consumed: what is published there does not come. Each is tried again.',
    labels: ['queue'],
  },
  millrace_rabbitmq_stream_lag_messages: {
    type: 'gauge',
    help: 'Between the newest message of a stream that has come and the first one that is not finished.',
    labels: ['queue'],
  },
  millrace_rabbitmq_blocked: {
    type: 'gauge',
    help: '1 while an alarm of the broker (memory, disk) holds up what is published: retries, dead letters, replies.',
    labels: [],
  },
  millrace_rabbitmq_blocked_seconds_total: {
    type: 'counter',
    help: 'Time under such an alarm.',
    labels: [],
    unit: 'seconds',
  },
  millrace_rabbitmq_delivered_total: {
    type: 'counter',
    help: 'Messages that came from a queue.',
    labels: ['queue'],
  },
  millrace_rabbitmq_redelivered_total: {
    type: 'counter',
    help: 'Messages among them that the broker had given to some consumer before: a function may have seen them.',
    labels: ['queue'],
  },
  millrace_rabbitmq_acknowledged_total: {
    type: 'counter',
    help: 'Messages acknowledged.',
    labels: ['queue'],
    also: [{ of: 'pro', name: 'rabbitmq_connector_messages_processed_total' }],
  },
  millrace_rabbitmq_ack_frames_total: {
    type: 'counter',
    help: 'Acknowledgements sent for them; one may stand for many messages.',
    labels: ['queue'],
  },
  millrace_rabbitmq_fenced_total: {
    type: 'counter',
    help: 'Results that came after their channel had gone: the message comes again.',
    labels: ['queue'],
  },
  millrace_rabbitmq_retries_total: {
    type: 'counter',
    help: 'Retries put into a delay queue, by its wait.',
    labels: ['queue', 'wait'],
  },
  millrace_rabbitmq_repeats_total: {
    type: 'counter',
    help: 'Messages known by their message id, acknowledged without a call (dedupe).',
    labels: ['queue'],
  },
  millrace_rabbitmq_replies_total: {
    type: 'counter',
    help: 'Replies published to reply-to: confirmed, unroutable (the requester has gone), failed.',
    labels: ['queue', 'result'],
  },
  millrace_rabbitmq_dead_letters_total: {
    type: 'counter',
    help: 'Letters of a queue that its dead-letter queue has confirmed.',
    labels: ['queue'],
  },
  millrace_rabbitmq_confirm_duration_seconds: {
    type: 'histogram',
    help: 'From publishing a message until the broker has confirmed it: retries, dead letters, replies.',
    labels: [],
    unit: 'seconds',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  },
  millrace_rabbitmq_unconfirmed_total: {
    type: 'counter',
    help: 'Published messages that the broker has refused, or of which nobody knows whether they arrived; what they stand for is not acknowledged.',
    labels: [],
  },
  millrace_rabbitmq_quarantines_total: {
    type: 'counter',
    help: 'Consumers lost or refused, by error code; each is tried again with a growing wait.',
    labels: ['queue', 'code'],
  },
  millrace_rabbitmq_reconnects_total: {
    type: 'counter',
    help: 'Connections lost, by role (consume, publish, probe); each is made again.',
    labels: ['role'],
  },
  millrace_rabbitmq_checkpoints_total: {
    type: 'counter',
    help: 'Positions of a stream that were stored.',
    labels: ['queue'],
  },
  millrace_rabbitmq_checkpoint_failures_total: {
    type: 'counter',
    help: 'Positions that could not be stored; a restart begins at the last one that was.',
    labels: ['queue'],
  },
} as const

/** The rows of the RabbitMQ connector, a `MetricsTable`. `queue` is bounded like the label `topic`. */
export const rabbitmqMetrics: typeof rows & typeof dedupeMetrics = { ...rows, ...dedupeMetrics }
