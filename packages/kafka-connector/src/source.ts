import type { Session, Source, SourceContext } from '@millrace/sdk'
import type { KafkaObserver } from './consumer/observer.ts'
import type { InitialOffset, OutOfRangePolicy } from './consumer/start-position.ts'
import type { ConsumerTimes } from './consumer/topic-consumer.ts'
import type { ConnectionOptions } from './driver/connection.ts'
import type { KafkaDriver } from './driver/driver.ts'
import { defaultMember, kafkajsDriver } from './driver/kafkajs-driver.ts'
import type { MemberOptions } from './driver/kafkajs-consumer.ts'
import { registerCodecs } from './driver/register-codecs.ts'
import type { KafkaDeadLetters } from './dead-letters/kafka-dead-letters.ts'
import type { ValueDecoder } from './registry/value-decoder.ts'
import { headerPrefix } from './mapping/names.ts'
import { attributeNames } from './mapping/record-to-event.ts'
import type { Partition } from './consumer/partition.ts'
import { countingObserver, scrapePartitions } from './metrics.ts'
import { KafkaSession } from './session.ts'

/** What `kafkaSource` takes. Times in milliseconds, sizes in bytes. */
export interface KafkaSourceOptions {
  readonly connection: Omit<ConnectionOptions, 'clientId' | 'material'> & Partial<Pick<ConnectionOptions, 'clientId' | 'material'>>
  /** Exact names, and patterns over the topics that exist. Absent or empty: what the functions' `topic` annotations name. */
  readonly topics?: readonly string[]
  /** Names and patterns that are never consumed. */
  readonly exclude?: readonly string[]
  /** Template of the group id; with `{topic}` in it each topic has a group of its own. @default 'faas-group-1' */
  readonly group?: string
  /** Where a partition begins that the group has no position for. @default 'oldest' */
  readonly initialOffset?: InitialOffset
  /** When records were deleted before they were delivered. @default 'earliest' */
  readonly outOfRange?: OutOfRangePolicy
  /** Template of the dead-letter topics: no pattern consumes them. @default '{topic}.dlq' */
  readonly deadLetterTopic?: string
  /** Where dead letters go: `kafkaDeadLetters(...)`; ended with the source. Absent: to the sink that the connector is given. */
  readonly deadLetters?: KafkaDeadLetters
  /** Decodes values of a schema registry; made at the first connect. @default none: values are handed on as they are */
  readonly decoder?: (context: SourceContext) => ValueDecoder
  /** What one batch may have when it is unpacked; a longer one stops its group with `E_KAFKA_COMPRESSION`. @default 64 MiB */
  readonly maxBatchBytes?: number
  readonly member?: Partial<MemberOptions>
  readonly times?: Partial<ConsumerTimes> & { readonly refreshMs?: number; readonly settleMs?: number; readonly stalledMs?: number }
  /** Told what consumers do. @default counts in the connector's metrics */
  readonly observer?: KafkaObserver
  /** Another client, or a fake one. @default kafkajs */
  readonly driver?: (context: SourceContext) => KafkaDriver
}

/** The Kafka source, with what it owns just now. */
export interface KafkaSource extends Source {
  /** The partitions of the present session, for gauges. */
  partitions(): readonly Partition[]
}

/** Part of the session timeout, and of the time a join waits: the member says nothing while it drains. */
const drainOf = (member: MemberOptions): number => Math.floor(Math.min(0.5 * member.rebalanceTimeoutMs, 0.6 * member.sessionTimeoutMs))

/**
 * Kafka topics as a source: many records of a partition in flight, a position that moves over what is finished and nothing else, and a
 * rebalance that waits for what runs. At least once: after a crash what was in flight comes again.
 */
export const kafkaSource = (options: KafkaSourceOptions): KafkaSource => {
  const member = { ...defaultMember, ...options.member }
  const { times = {} } = options
  const connection: ConnectionOptions = { clientId: 'millrace', material: () => Promise.resolve({}), ...options.connection }
  let current: KafkaSession | undefined
  // Over all sessions: schemas stay known, and what waits for one goes on waiting.
  let decoder: ValueDecoder | undefined
  registerCodecs(options.maxBatchBytes)
  return {
    name: 'kafka',
    replay: 'broker',
    order: 'partition',
    position: 'prefix',
    headerPrefix,
    attributeNames,
    partitions: () => current?.partitions ?? [],
    ...(options.deadLetters !== undefined && { deadLetters: options.deadLetters }),
    async dispose() {
      decoder?.close()
      await options.deadLetters?.close()
    },
    async connect(context: SourceContext): Promise<Session> {
      context.signal.throwIfAborted()
      const session = new KafkaSession(
        {
          driver: options.driver?.(context) ?? kafkajsDriver(connection, member, context.logger),
          brokers: connection.brokers.join(','),
          topics: options.topics ?? [],
          topicRules: { exclude: options.exclude ?? [], deadLetterTopic: options.deadLetterTopic ?? '{topic}.dlq' },
          groupTemplate: options.group ?? 'faas-group-1',
          startRules: { initialOffset: options.initialOffset ?? 'oldest', outOfRange: options.outOfRange ?? 'earliest' },
          times: {
            drainMs: times.drainMs ?? drainOf(member),
            commitMs: times.commitMs ?? 5000,
            commitIntervalMs: times.commitIntervalMs ?? 1000,
            commitEvery: times.commitEvery ?? 1000,
          },
          refreshMs: times.refreshMs ?? 30_000,
          settleMs: times.settleMs ?? 1000,
          stalledMs: times.stalledMs ?? 120_000,
          observer: options.observer ?? countingObserver(context.metrics),
          decoder: (decoder ??= options.decoder?.(context)),
          // Another sink has won: nothing of ours is needed, nor could come back.
          deadLetters: (context.deadLetters ?? options.deadLetters) === options.deadLetters ? options.deadLetters : undefined,
        },
        context,
      )
      current = session
      const forget = scrapePartitions(
        context.metrics,
        () => session.groups,
        () => context.clock.now(),
      )
      void session.session.closed.then(forget)
      await session.start()
      return session.session
    },
  }
}
