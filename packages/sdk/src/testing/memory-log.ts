import type { Clock, Timer } from '../contract/clock.ts'
import { systemClock } from '../ports/system-clock.ts'
import { memoryIntake } from './memory-intake.ts'
import type { MemoryIntake } from './memory-intake.ts'
import type { MemoryRecord, StoredRecord } from './memory-record.ts'

/** What the broker tells a connected client. */
export interface MemoryClient {
  /** There may be something to read. */
  wake(): void
  lost(reason: Error): void
  /** The intakes go elsewhere; the broker waits for the promise before it gives them out again. */
  revoked?(intakes: readonly string[], drainMs: number): Promise<void>
  /** A record from somebody who waits for the answer: true once it is safe. */
  offered?(intake: string, record: StoredRecord): Promise<boolean>
}

/** The protocol between a memory log and its client. After the connection has ended every call is a complaint and does nothing. */
export interface MemoryConnection {
  intakes(): readonly string[]
  /** Streams: the record at or after `offset`. */
  read(intake: string, offset: number): StoredRecord | undefined
  committed(intake: string): number
  /** Streams: everything before `position` is done. */
  commit(intake: string, position: number): void
  /** Queues: the next record nobody holds; it is this connection's until `ack`, `give back` or the end of the connection. */
  take(intake: string): StoredRecord | undefined
  ack(intake: string, offset: number): void
  giveBack(intake: string, offset: number): void
  leave(): void
}

/** A broker in memory: intakes with records, positions, redelivery. It outlives sources, sessions and restarts. */
export interface MemoryLog {
  /** Appends; intakes come into being by it. */
  publish(intake: string, ...records: readonly MemoryRecord[]): void
  /** For spool sources: resolves true once the connected source has stored it, false when it would not or none is connected. */
  offer(intake: string, record: MemoryRecord): Promise<boolean>
  /** Keeps the record and appends it after `afterMs`. */
  delay(intake: string, record: MemoryRecord, afterMs: number): void
  /** How many records would not come again after a crash now: of one intake, or of all. */
  position(intake?: string): number
  /** Records published, over all intakes or in one. */
  length(intake?: string): number
  /** What clients did that good ones do not: acknowledge twice, move a position back, use a connection that has ended. */
  readonly complaints: readonly string[]
  /** Sessions now. */
  readonly connections: number
  /** @throws Error while the broker is down */
  connect(client: MemoryClient): MemoryConnection
  /** Every session is lost. Records and positions stay. */
  disconnect(reason?: string): void
  /** As `disconnect`, and nobody can connect until `start()`. */
  stop(): void
  start(): void
  /** `stop()` and `start()`. */
  restart(): void
  /** Takes intakes from every client, as a rebalance does, and gives them back; resolves when the clients have let go. */
  revoke(intakes: readonly string[], drainMs?: number): Promise<void>
  /** Cancels what is delayed. */
  dispose(): void
}

/** @see memoryLog */
export interface MemoryLogOptions {
  /** For `delay`. @default the real clock */
  readonly clock?: Clock
  /** Intakes that exist before the first record. @default none */
  readonly intakes?: readonly string[]
}

class Broker implements MemoryLog {
  readonly #clock: Clock
  readonly #intakes = new Map<string, MemoryIntake>()
  readonly #clients = new Map<MemoryConnection, MemoryClient>()
  readonly #timers = new Set<Timer>()
  readonly #complaints: string[] = []
  #up = true

  constructor(options: MemoryLogOptions) {
    this.#clock = options.clock ?? systemClock
    for (const name of options.intakes ?? []) this.#intake(name)
  }

  publish(intake: string, ...records: readonly MemoryRecord[]): void {
    for (const record of records) this.#intake(intake).append(record)
    for (const client of this.#clients.values()) client.wake()
  }

  async offer(intake: string, record: MemoryRecord): Promise<boolean> {
    const client = [...this.#clients.values()].find((candidate) => candidate.offered !== undefined)
    if (client?.offered === undefined) return false
    const place = this.#intake(intake)
    const stored = place.append(record)
    const safe = await client.offered(intake, stored)
    if (safe) place.accept(stored.offset)
    return safe
  }

  delay(intake: string, record: MemoryRecord, afterMs: number): void {
    const timer = this.#clock.after(afterMs, () => {
      this.#timers.delete(timer)
      this.publish(intake, record)
    })
    this.#timers.add(timer)
  }

  position(intake?: string): number {
    return this.#sum(intake, (place) => place.position)
  }

  length(intake?: string): number {
    return this.#sum(intake, (place) => place.length)
  }

  get complaints(): readonly string[] {
    return this.#complaints
  }

  get connections(): number {
    return this.#clients.size
  }

  connect(client: MemoryClient): MemoryConnection {
    if (!this.#up) throw new Error('the memory log is down')
    const connection = this.#connection()
    this.#clients.set(connection, client)
    return connection
  }

  disconnect(reason: string = 'connection lost'): void {
    // A copy: who connects again at once is not disconnected again.
    const clients = [...this.#clients]
    for (const [connection, client] of clients) {
      this.#end(connection)
      client.lost(new Error(reason))
    }
  }

  stop(): void {
    this.#up = false
    this.disconnect('the broker has stopped')
  }

  start(): void {
    this.#up = true
  }

  restart(): void {
    this.stop()
    this.start()
  }

  async revoke(intakes: readonly string[], drainMs: number = 0): Promise<void> {
    await Promise.all([...this.#clients.values()].map(async (client) => client.revoked?.(intakes, drainMs)))
  }

  dispose(): void {
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
  }

  #intake(name: string): MemoryIntake {
    const found = this.#intakes.get(name)
    if (found !== undefined) return found
    const made = memoryIntake((what) => void this.#complaints.push(`${name}: ${what}`))
    this.#intakes.set(name, made)
    return made
  }

  #sum(intake: string | undefined, of: (place: MemoryIntake) => number): number {
    const places = intake === undefined ? [...this.#intakes.values()] : [this.#intake(intake)]
    return places.reduce((sum, place) => sum + of(place), 0)
  }

  #end(connection: MemoryConnection): void {
    this.#clients.delete(connection)
    for (const place of this.#intakes.values()) place.giveBackAll(connection)
    for (const client of this.#clients.values()) client.wake()
  }

  #connection(): MemoryConnection {
    const live = <T>(what: string, call: (place: MemoryIntake) => T, intake: string, otherwise: T): T => {
      if (this.#clients.has(connection)) return call(this.#intake(intake))
      this.#complaints.push(`${intake}: ${what} on a connection that has ended`)
      return otherwise
    }
    const connection: MemoryConnection = {
      intakes: () => [...this.#intakes.keys()],
      read: (intake, offset) => live('read', (place) => place.read(offset), intake, undefined),
      committed: (intake) => this.#intake(intake).position,
      commit: (intake, position) => live('commit', (place) => place.commit(position), intake, undefined),
      take: (intake) => live('take', (place) => place.take(connection), intake, undefined),
      ack: (intake, offset) => live('ack', (place) => place.ack(offset, connection), intake, undefined),
      giveBack: (intake, offset) => live('give back', (place) => place.giveBack(offset, connection), intake, undefined),
      leave: () => this.#end(connection),
    }
    return connection
  }
}

/**
 * A broker in memory for tests and examples: several intakes (partitions, queues), positions, redelivery of what is not
 * acknowledged, lost sessions, restarts, rebalances, delayed records. Connect a `memorySource` to it.
 */
export const memoryLog = (options: MemoryLogOptions = {}): MemoryLog => new Broker(options)
