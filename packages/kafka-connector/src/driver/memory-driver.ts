import { MillraceError } from '@millrace/sdk'
import type { HeaderField } from '@millrace/sdk'
import type {
  CommitItem,
  CommittedOffset,
  ConsumerOptions,
  DriverConsumer,
  DriverRecord,
  KafkaDriver,
  LogRange,
  TopicPartition,
  TopicState,
} from './driver.ts'
import { intakeOf } from './driver.ts'
import { stickyAssign } from './sticky-assign.ts'

/** What is written to a memory topic. */
export interface MemoryRecord {
  readonly key?: string
  readonly value?: string
  readonly headers?: readonly HeaderField[]
  readonly timestamp?: number
}

interface Log {
  low: number
  readonly records: DriverRecord[]
}

interface Member {
  readonly id: number
  readonly group: string
  readonly options: ConsumerOptions
  readonly positions: Map<string, number>
  readonly paused: Set<string>
  readonly topics: readonly string[]
  owned: readonly TopicPartition[]
  generation: number
  evicted: boolean
  gone: boolean
  pumping: boolean
}

const bytes = (text: string | undefined): Uint8Array | undefined => (text === undefined ? undefined : Buffer.from(text))
const place = (reason: string): Readonly<Record<string, string>> => ({ group: 'memory', brokers: 'memory', user: 'memory', reason })

/**
 * A Kafka cluster in memory, for tests of what lies above the driver: logs, committed positions that check the generation and, as the real
 * broker, not the ownership; eager joins that wait for `beforeJoin`; evictions without it.
 */
export class MemoryCluster {
  readonly #logs = new Map<string, Log[]>()
  readonly #committed = new Map<string, Map<string, { offset: number; metadata: string }>>()
  readonly #members = new Set<Member>()
  readonly #joins = new Map<string, Promise<void>>()
  #ids = 0
  #generation = 0
  /** Records in one batch. */
  batch = 100
  denied: ReadonlySet<string> = new Set()
  /** Every request but those of members that have joined fails. */
  unreachable = false
  /** Called for each commit before it is stored; what it throws is the commit's failure. */
  onCommit: (items: readonly CommitItem[], group: string) => void | Promise<void> = () => {}

  createTopic(topic: string, partitions: number = 1): void {
    this.#logs.set(
      topic,
      Array.from({ length: partitions }, () => ({ low: 0, records: [] })),
    )
  }

  addPartitions(topic: string, count: number): void {
    this.#logs.get(topic)?.push(...Array.from({ length: count }, (): Log => ({ low: 0, records: [] })))
  }

  /** With its positions, as the broker does it. Its consumers crash. */
  deleteTopic(topic: string): void {
    this.#logs.delete(topic)
    for (const group of this.#committed.values()) {
      for (const intake of Array.from(group.keys())) if (intake.startsWith(`${topic}/`)) group.delete(intake)
    }
    for (const member of Array.from(this.#members)) {
      if (member.topics.includes(topic))
        this.#lose(member, new MillraceError('E_KAFKA_TOPIC_MISSING', { ...place('deleted'), topic, interval: 30 }))
    }
  }

  publish(at: TopicPartition, record: MemoryRecord = {}): number {
    const log = this.#log(at)
    const offset = log.low + log.records.length
    const { timestamp, key, value, headers = [] } = record
    log.records.push({
      topic: at.topic,
      partition: at.partition,
      offset,
      ...(timestamp !== undefined && { timestamp }),
      key: bytes(key),
      value: bytes(value),
      headers,
    })
    for (const member of this.#members) this.#wake(member)
    return offset
  }

  /** Retention: what lies below `low` is gone. */
  truncate(at: TopicPartition, low: number): void {
    const log = this.#log(at)
    log.records.splice(0, low - log.low)
    log.low = low
  }

  committed(group: string, at: TopicPartition): { readonly offset: number; readonly metadata: string } | undefined {
    return this.#committed.get(group)?.get(intakeOf(at))
  }

  /** Every member joins anew, as after a heartbeat that says so. */
  rebalance(group: string): Promise<void> {
    const next = (this.#joins.get(group) ?? Promise.resolve()).then(() => this.#join(group))
    this.#joins.set(group, next)
    return next
  }

  /** A member is taken for dead: its partitions go to the others without its gate. With the next join it is back under a new id. */
  async evict(group: string): Promise<void> {
    const [victim] = [...this.#members].filter((member) => member.group === group && !member.evicted)
    if (victim === undefined) return
    victim.evicted = true
    await this.rebalance(group)
    victim.evicted = false
    await this.rebalance(group)
  }

  /** The connection of every member of the group is gone. */
  crash(group: string): void {
    for (const member of Array.from(this.#members))
      if (member.group === group) this.#lose(member, new MillraceError('E_KAFKA_UNREACHABLE', place('crash')))
  }

  members(group: string): number {
    return [...this.#members].filter((member) => member.group === group).length
  }

  driver(): KafkaDriver {
    const reached = <T>(give: () => T): Promise<T> =>
      this.unreachable ? Promise.reject(new MillraceError('E_KAFKA_UNREACHABLE', place('unreachable'))) : Promise.resolve().then(give)
    return {
      capabilities: { cooperative: false, commitMetadata: true, awaitableRevoke: true },
      user: 'memory',
      connect: () => reached(() => 'memory'),
      topics: () => reached(() => [...this.#logs.keys()]),
      describe: (topics) =>
        reached(() => {
          return new Map(
            topics.map((topic): [string, TopicState] => {
              const log = this.#logs.get(topic)
              if (this.denied.has(topic)) return [topic, { kind: 'denied' }]
              return [topic, log === undefined ? { kind: 'missing' } : { kind: 'ready', partitions: log.length }]
            }),
          )
        }),
      ranges: (topics) => reached(() => topics.flatMap((topic) => this.#ranges(topic))),
      committed: (group, topics) => reached(() => topics.flatMap((topic) => this.#positions(group, topic))),
      consume: (options) => reached(() => undefined).then(() => this.#consume(options)),
      close: () => Promise.resolve(),
    }
  }

  #log({ topic, partition }: TopicPartition): Log {
    const log = this.#logs.get(topic)?.[partition]
    if (log === undefined) throw new MillraceError('E_INTERNAL_STATE', { what: `no partition ${topic}/${partition}` })
    return log
  }

  #ranges(topic: string): LogRange[] {
    return (this.#logs.get(topic) ?? []).map(({ low, records }, partition) => ({ topic, partition, low, high: low + records.length }))
  }

  #positions(group: string, topic: string): CommittedOffset[] {
    return (this.#logs.get(topic) ?? []).map((_, partition) => ({
      topic,
      partition,
      ...(this.committed(group, { topic, partition }) ?? { offset: -1, metadata: '' }),
    }))
  }

  async #consume(options: ConsumerOptions): Promise<DriverConsumer> {
    const member: Member = {
      id: ++this.#ids,
      group: options.groupId,
      options,
      topics: options.topics,
      positions: new Map(),
      paused: new Set(),
      owned: [],
      generation: -1,
      evicted: false,
      gone: false,
      pumping: false,
    }
    this.#members.add(member)
    await this.rebalance(member.group)
    return {
      pause: (at) => at.forEach((one) => member.paused.add(intakeOf(one))),
      resume: (at) => {
        for (const one of at) member.paused.delete(intakeOf(one))
        this.#wake(member)
      },
      seek: (at, offset) => {
        member.positions.set(intakeOf(at), offset)
        this.#wake(member)
      },
      commit: (items) => this.#commit(member, items),
      stop: async () => {
        if (member.gone) return
        member.gone = true
        this.#members.delete(member)
        void this.rebalance(member.group)
      },
    }
  }

  async #commit(member: Member, items: readonly CommitItem[]): Promise<void> {
    const { generation } = member
    await this.onCommit(items, member.group)
    // Checked when it arrives; a join meanwhile fences it. Ownership is not looked at, here as there.
    if (member.gone || member.evicted || member.generation !== generation)
      throw new MillraceError('E_KAFKA_COMMIT_FENCED', place('generation'))
    const positions = this.#committed.get(member.group) ?? new Map<string, { offset: number; metadata: string }>()
    this.#committed.set(member.group, positions)
    for (const item of items) positions.set(intakeOf(item), { offset: item.offset, metadata: item.metadata })
  }

  async #join(group: string): Promise<void> {
    const living = (): Member[] => [...this.#members].filter((member) => member.group === group && !member.evicted)
    await Promise.all(living().map(async (member) => (member.generation < 0 ? undefined : member.options.beforeJoin())))
    const members = living()
    const previous = this.#generation
    this.#generation += 1
    const topics = new Set(members.flatMap((member) => member.topics))
    const partitions = new Map([...topics].map((topic) => [topic, (this.#logs.get(topic) ?? []).map((_, partition) => partition)]))
    const sticky = members.map(({ id, topics: wanted, owned, generation }) => ({ id: String(id), topics: wanted, owned, generation }))
    const assigned = stickyAssign(sticky, partitions)
    for (const member of members) {
      const continuous = member.generation === previous
      member.generation = this.#generation
      member.owned = assigned.get(String(member.id)) ?? []
      member.positions.clear()
      for (const at of member.owned) member.positions.set(intakeOf(at), this.committed(group, at)?.offset ?? this.#log(at).low)
      member.options.onAssigned({ partitions: member.owned, continuous })
      this.#wake(member)
    }
  }

  #lose(member: Member, reason: Error): void {
    member.gone = true
    this.#members.delete(member)
    void this.rebalance(member.group)
    member.options.onLost(reason)
  }

  #wake(member: Member): void {
    if (member.pumping || member.gone) return
    member.pumping = true
    setImmediate(() => {
      member.pumping = false
      if (!member.gone) this.#fetch(member)
    })
  }

  #fetch(member: Member): void {
    for (const at of member.owned) {
      const intake = intakeOf(at)
      const log = this.#logs.get(at.topic)?.[at.partition]
      const position = member.positions.get(intake) ?? 0
      if (log === undefined || member.paused.has(intake)) continue
      const high = log.low + log.records.length
      if (position < log.low || position > high) {
        member.positions.set(intake, log.low)
        member.options.onOutOfRange(at)
        continue
      }
      const records = log.records.slice(position - log.low, position - log.low + this.batch)
      if (records.length === 0) continue
      const through = position + records.length
      if (member.options.onBatch({ ...at, from: position, records, through, highWatermark: high })) member.positions.set(intake, through)
      this.#wake(member)
    }
    member.options.onAlive()
  }
}
