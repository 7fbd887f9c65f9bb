import { boolean, choice, duration, integer, isMillraceError, list, optionalSetting, setting, text } from '@millrace/sdk'
import type { Parsed, RawValue, Setting, SettingType } from '@millrace/sdk'
import { readProQueues } from '../topology/pro-queues.ts'
import type { ProQueue } from '../topology/pro-queues.ts'
import { readTemplumTopology } from '../topology/templum.ts'
import type { TemplumTopology } from '../topology/templum.ts'
import type { ExchangeType } from '../transport/transport.ts'

/** What is consumed, and how queues are declared. Times in milliseconds. */
export interface TopologyConfig {
  /** Absent: `queue`, or with a topology of Templum `none`. */
  readonly mode: 'queue' | 'exchange' | 'none' | undefined
  readonly queues: readonly ProQueue[]
  readonly topicQueues: readonly string[]
  readonly exchange: string | undefined
  readonly exchangeType: ExchangeType | undefined
  readonly exchangeQueue: string | undefined
  readonly templum: TemplumTopology | undefined
  readonly declare: boolean
  readonly declareTopics: boolean
  readonly queueType: 'quorum' | 'classic'
  readonly deliveryLimit: number
  readonly concurrency: number
  readonly prefetch: number | undefined
  readonly singleActiveConsumer: boolean
  readonly consumerPriority: number | undefined
  readonly expiresMs: number | undefined
  readonly consumerTimeoutMs: number | undefined
  readonly defaultNamespace: string
  /** Absent: see `ownerOf`. */
  readonly owner: string | undefined
  readonly retireAfterMs: number
  readonly maxQueues: number
}

/** A queue or an exchange: at most 255 bytes (AMQP 0-9-1, short strings). */
const name = text({ maxLength: 255 })

const proQueues: SettingType<readonly ProQueue[]> = {
  kind: 'list',
  allowed: 'a JSON list of {"name", "durable", "nowait", "autodelete", "exclusive"} or of names',
  parse(raw: RawValue): Parsed<readonly ProQueue[]> {
    const read = readProQueues(typeof raw === 'string' ? raw : JSON.stringify(raw))
    return 'problem' in read ? { ok: false, reason: read.problem } : { ok: true, value: read.value }
  },
}

const topology: SettingType<TemplumTopology> = {
  kind: 'text',
  allowed: 'YAML, a list of {name, topics, declare, type: direct or topic, durable, auto-deleted}',
  parse(raw: RawValue): Parsed<TemplumTopology> {
    try {
      return { ok: true, value: readTemplumTopology('line', String(raw)) }
    } catch (error) {
      if (!isMillraceError(error)) throw error
      return { ok: false, reason: String(error.context['problems']).replaceAll('\n', '; ') }
    }
  },
}

type Part<K extends keyof TopologyConfig> = { readonly [P in K]: Setting<TopologyConfig[P]> }

const consumed: Part<'mode' | 'queues' | 'topicQueues' | 'exchange' | 'exchangeType' | 'exchangeQueue' | 'templum' | 'defaultNamespace'> = {
  mode: optionalSetting({
    name: 'rabbitmq_mode',
    type: choice(['queue', 'exchange', 'none']),
    describe:
      'What the annotation topic of a function means: the name of a queue; a routing key, with wildcards, of rabbitmq_exchange over one shared queue; or nothing: then only functions with annotations of their own for a queue or an exchange are served. Absent: queue, or none with rabbitmq_topology, whose topics are served in any mode.',
    example: 'exchange',
  }),
  queues: setting({
    name: 'queues',
    type: proQueues,
    default: '[]',
    describe:
      'Queues in the form of the Pro connector: declared where they are missing. With one of these, or rabbitmq_topics, no other queue is taken by its topic.',
    example: '[{"name": "orders", "durable": true}]',
  }),
  topicQueues: setting({
    name: 'rabbitmq_topics',
    type: list({ allowed: 'a comma list of names of queues', maxItems: 1000 }),
    default: '',
    describe: 'Names of queues that are consumed if functions name them, and no others. Empty: every queue that a function names.',
    example: 'orders,payments',
  }),
  exchange: optionalSetting({
    name: 'rabbitmq_exchange',
    type: name,
    describe: 'Exchange of the mode exchange, and of functions that name routing keys and no exchange.',
    example: 'events',
  }),
  exchangeType: optionalSetting({
    name: 'rabbitmq_exchange_type',
    type: choice(['direct', 'topic', 'fanout', 'headers']),
    describe: 'Declare rabbitmq_exchange with this type. Absent: it must be there.',
    example: 'topic',
  }),
  exchangeQueue: optionalSetting({
    name: 'rabbitmq_queue',
    type: name,
    describe: 'The shared queue of the mode exchange. Absent: faas.exchange:NAME with the name of the exchange.',
    example: 'faas.events',
  }),
  templum: optionalSetting({
    name: 'rabbitmq_topology',
    fileAliases: ['path_to_topology'],
    type: topology,
    fileForm: true,
    describe:
      'The topology of a Templum connector: the queues OpenFaaS_EXCHANGE_TOPIC that it made are consumed as they are, and topics are its routing keys.',
    example: '/etc/millrace/topology.yaml',
    warn: ({ hints }) => (hints.length === 0 ? undefined : hints.join('; ')),
  }),
  defaultNamespace: setting({
    name: 'rabbitmq_default_namespace',
    type: text({ maxLength: 63, pattern: /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/, allowed: 'a namespace' }),
    default: 'openfaas-fn',
    describe: 'Namespace in the name of its queue for a function that the gateway lists without one.',
    example: 'functions',
  }),
}

/** The settings of what is consumed. */
export const topologySettings: { readonly [K in keyof TopologyConfig]: Setting<TopologyConfig[K]> } = {
  ...consumed,
  declare: setting({
    name: 'rabbitmq_declare',
    type: boolean(),
    default: 'true',
    describe:
      'Declare queues, delay queues, dead-letter queues and bindings. With false nothing is declared or bound: all of it must be there.',
    example: 'false',
  }),
  declareTopics: setting({
    name: 'rabbitmq_declare_topics',
    type: boolean(),
    default: 'false',
    describe: 'Declare queues that functions name by topic as well, where they are missing.',
    example: 'true',
  }),
  queueType: setting({
    name: 'rabbitmq_queue_type',
    type: choice(['quorum', 'classic']),
    default: 'quorum',
    describe: 'Type of the queues that are declared. A classic one repeats far more after a crash of the broker.',
    example: 'classic',
  }),
  deliveryLimit: setting({
    name: 'rabbitmq_delivery_limit',
    type: integer(1, 1000),
    default: '10',
    describe:
      'How often a declared quorum queue gives a message again that was never settled, before the broker dead-letters it: for messages that kill the connector.',
    example: '20',
  }),
  concurrency: setting({
    name: 'rabbitmq_concurrency',
    type: integer(1, 32_767),
    default: '10',
    describe:
      'Messages of one queue that are worked on at once; twice as many are fetched. The concurrency of a function wins for its own queue.',
    example: '50',
  }),
  prefetch: optionalSetting({
    name: 'rabbitmq_prefetch',
    type: integer(1, 65_535),
    describe: 'Messages of one queue that are fetched and not acknowledged. Absent: twice the concurrency. The annotation prefetch wins.',
    example: '256',
  }),
  singleActiveConsumer: setting({
    name: 'rabbitmq_single_active_consumer',
    type: boolean(),
    default: 'false',
    describe: 'Declare queues so that one replica at a time consumes each, in order.',
    example: 'true',
  }),
  consumerPriority: optionalSetting({
    name: 'rabbitmq_consumer_priority',
    type: integer(-1000, 1000),
    describe: 'The broker gives messages to consumers of a higher priority as long as they take them; 0 where nobody says.',
    example: '10',
  }),
  expiresMs: optionalSetting({
    name: 'rabbitmq_queue_expires',
    type: duration('1m', '8760h'),
    describe:
      'The broker deletes a declared queue of a function, with all messages in it, when nobody has consumed it for so long. Absent: queues of removed functions stay until a person deletes them.',
    example: '168h',
  }),
  consumerTimeoutMs: optionalSetting({
    name: 'rabbitmq_consumer_timeout',
    type: duration('1m', '720h'),
    describe:
      'How long declared queues let a message stay unacknowledged (x-consumer-timeout, from RabbitMQ 3.12); it must be longer than upstream_timeout and the waits in the process. Absent: as the broker has it, 30 minutes.',
    example: '2h',
  }),
  owner: optionalSetting({
    name: 'rabbitmq_owner',
    type: text({ maxLength: 100, pattern: /^[A-Za-z0-9._-]+$/, allowed: 'letters, digits and ._-' }),
    describe:
      'Whose bindings the connector may take away again: replicas of one connector have the same name, other connectors on the same broker and state store another. Absent: one for each set of watched namespaces and of exchanges over several functions; when those change, what was bound under the old name stays bound.',
    example: 'shop',
  }),
  retireAfterMs: setting({
    name: 'rabbitmq_retire_after',
    type: duration('0s', '720h'),
    default: '5m',
    describe: 'How long the queue of a function stays bound after the function has gone: one that is deployed again misses nothing.',
    example: '1h',
  }),
  maxQueues: setting({
    name: 'rabbitmq_max_queues',
    type: integer(1, 2000),
    default: '1000',
    describe: 'Most queues that are consumed: each has a channel, and a broker allows 2047 for a connection by default.',
    example: '200',
  }),
}

/** Rules over several of them. */
export const checkTopology = (values: Readonly<TopologyConfig>, report: (setting: string, reason: string) => void): void => {
  const { mode, exchange, exchangeType, exchangeQueue, declare, declareTopics } = values
  if (mode === 'exchange' && exchange === undefined) report('rabbitmq_exchange', 'rabbitmq_mode is exchange, and there is none')
  if (exchange === undefined && exchangeType !== undefined) report('rabbitmq_exchange', 'its type is given, and it is not')
  if (mode === 'exchange' && exchangeType === 'headers')
    report('rabbitmq_exchange_type', 'an exchange of this type has no routing keys, and rabbitmq_mode is exchange')
  if (mode !== 'exchange' && exchangeQueue !== undefined)
    report('rabbitmq_queue', 'it is the queue of rabbitmq_mode exchange; queues that functions name are rabbitmq_topics')
  if (!declare && declareTopics) report('rabbitmq_declare_topics', 'rabbitmq_declare is false')
}
