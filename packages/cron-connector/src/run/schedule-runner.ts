import type { Delivery, Logger } from '@millrace/sdk'
import type { ScheduleDefinition } from '../declare/definition.ts'
import type { Claims } from './claims.ts'
import { planDue } from './plan.ts'
import type { DueSlot, Plan } from './plan.ts'
import { tickEvent } from './tick-event.ts'

/** Claimed and unsettled slots of one schedule. At the bound no slot is claimed; what passes meanwhile is caught up by policy. */
const MAX_OPEN = 256
/** A cursor further ahead than this was written under a clock that was wrong (cronie draws the line there too). */
const CLOCK_ERROR_MS = 3 * 3_600_000

/** What a schedule needs of its session. */
export interface RunnerHost {
  now(): number
  emit(delivery: Delivery): void
  /** False once the session is over: nothing more is emitted. */
  open(): boolean
  paused(id: string): boolean
  /** Calls `evaluate` at a wall time, instead of any time set before. */
  wake(id: string, at: number): void
  /** The state store failed. */
  readonly failed: (error: unknown) => void
  readonly logger: Logger
}

/** Fires one schedule: claims the slots that have come, hands them over, settles them. */
export class ScheduleRunner {
  #definition: ScheduleDefinition
  readonly #claims: Claims
  readonly #host: RunnerHost
  /** Slots handed over and not back. */
  readonly #running = new Set<number>()
  /** Slots whose claim is under way. */
  readonly #claiming = new Set<number>()
  /** Claimed slots that wait for their turn, ascending. */
  #queue: number[] = []
  /** The slot that `buffer-one` keeps. */
  #buffered: number | undefined
  #since = 0
  /** A slot may have come while the schedule was paused. */
  #held = false
  #removed = false

  constructor(definition: ScheduleDefinition, claims: Claims, host: RunnerHost) {
    this.#definition = definition
    this.#claims = claims
    this.#host = host
  }

  get definition(): ScheduleDefinition {
    return this.#definition
  }

  /** Begins: slots before now were missed. Claimed slots that nobody holds fire again. */
  activate(): void {
    const { record } = this.#claims
    const { settings, id, delayMs } = this.#definition
    const now = this.#host.now()
    const second = Math.floor(now / 1000)
    this.#since = second * 1000 - delayMs
    // Slots of a suspended schedule were not meant to run, so they were not missed either.
    if (record.suspended && !settings.suspend) record.cursor = Math.max(record.cursor, second)
    const changed = record.suspended !== settings.suspend || !this.#claims.stored
    record.suspended = settings.suspend
    if (changed) this.#claims.save().catch(this.#host.failed)
    if (settings.suspend) return
    const known = new Set([...this.#running, ...this.#claiming, ...this.#queue])
    this.#queue.push(...[...record.open.keys()].filter((slot) => !known.has(slot)))
    this.#queue.sort((a, b) => a - b)
    this.#pump()
    this.#host.wake(id, now)
  }

  /** The pause is over. Cheap when nothing came meanwhile, since back-pressure pauses and resumes often. */
  resume(): void {
    if (this.#held) this.activate()
    else if (this.#queue.length > 0) this.#pump()
  }

  /** The same schedule with other settings. */
  update(definition: ScheduleDefinition): void {
    const resumed = this.#definition.settings.suspend && !definition.settings.suspend
    this.#definition = definition
    if (definition.settings.suspend !== this.#claims.record.suspended || resumed) this.activate()
    else this.#host.wake(definition.id, this.#host.now())
  }

  /** The schedule is no more. What is in flight may finish; its record is deleted. */
  async remove(): Promise<void> {
    this.#removed = true
    this.#queue = []
    await this.#claims.remove()
  }

  /** Fires what has come and says when to be called again. */
  evaluate(now: number): void {
    const { settings, delayMs, id, timeline } = this.#definition
    const { record } = this.#claims
    if (this.#removed || settings.suspend || !this.#host.open()) return
    this.#held = this.#host.paused(id)
    if (this.#held) return
    if (record.open.size >= MAX_OPEN || record.runs >= (settings.maxRuns ?? Infinity)) return
    if (record.cursor * 1000 > now + CLOCK_ERROR_MS) {
      this.#host.logger.warn('the schedule was ahead of the clock and begins again from now', {
        schedule: id,
        function: this.#definition.function,
        cursor: record.cursor,
      })
      record.cursor = Math.floor((now - delayMs) / 1000)
    }
    const cursor = Math.max(record.cursor * 1000, (settings.startAt ?? -Infinity) - 1)
    const plan = planDue({
      timeline,
      cursor,
      now: now - delayMs,
      since: this.#since,
      catchUp: settings.catchUp,
      windowMs: settings.catchUpWindowMs,
      ...(settings.deadlineMs === undefined ? {} : { deadlineMs: settings.deadlineMs }),
      ...(settings.endAt === undefined ? {} : { endAt: settings.endAt }),
    })
    this.#fire(plan)
    const next = timeline.next(Math.max(cursor, (plan.newest ?? -Infinity) * 1000))
    if (next !== undefined && next <= (settings.endAt ?? Infinity)) this.#host.wake(id, next + delayMs)
  }

  #fire(plan: Plan): void {
    if (plan.newest === undefined) return
    const { settings, id } = this.#definition
    const { record } = this.#claims
    const room = MAX_OPEN - record.open.size
    const due = plan.fire.slice(0, Math.min(room, (settings.maxRuns ?? Infinity) - record.runs))
    const taken = this.#gate(due)
    // Those that wait for room have come, and are not given up: the catch-up policy has its say when there is some.
    const waiting = plan.fire.slice(room)
    const given = plan.given + plan.fire.length - waiting.length - taken.length
    if (given > 0)
      this.#host.logger.info('slots are not run', {
        schedule: id,
        function: this.#definition.function,
        slots: given,
        overlap: settings.overlap,
        catchUp: settings.catchUp,
      })
    if (taken.length > 0) this.#claim(taken)
    record.cursor = Math.max(record.cursor, waiting.length > 0 ? (due.at(-1)?.slot ?? record.cursor) : plan.newest)
    // A slot that is skipped is consumed, else it would come back as a missed one.
    if (taken.length === 0 && plan.fire.length > 0) this.#claims.save().catch(this.#host.failed)
  }

  /** What the overlap policy lets through. */
  #gate(due: readonly DueSlot[]): readonly DueSlot[] {
    const { overlap } = this.#definition.settings
    if (overlap === 'allow') return due
    const taken: DueSlot[] = []
    for (const slot of due) {
      const busy = this.#running.size + this.#claiming.size + this.#queue.length + taken.length > 0
      if (slot.trigger === 'schedule' && busy) {
        if (overlap === 'forbid') continue
        this.#unbuffer(taken)
        this.#buffered = slot.slot
      }
      taken.push(slot)
    }
    return taken
  }

  /** The kept slot gives way to a newer one. */
  #unbuffer(taken: DueSlot[]): void {
    const old = this.#buffered
    if (old === undefined) return
    const index = taken.findIndex(({ slot }) => slot === old)
    if (index >= 0) taken.splice(index, 1)
    else if (this.#queue.includes(old) || this.#claiming.has(old)) {
      this.#queue = this.#queue.filter((slot) => slot !== old)
      this.#settle(old).catch(this.#host.failed)
    }
  }

  #claim(due: readonly DueSlot[]): void {
    for (const { slot } of due) this.#claiming.add(slot)
    const granted = (slots: readonly number[]): void => {
      for (const { slot } of due) this.#claiming.delete(slot)
      // A slot that `buffer-one` gave up meanwhile is settled already.
      for (const slot of slots) if (this.#claims.record.open.has(slot)) this.#queue.push(slot)
      this.#pump()
    }
    this.#claims.claim(due, granted, this.#host.failed)
  }

  /** Hands over what may go now. */
  #pump(): void {
    const gated = this.#definition.settings.overlap !== 'allow'
    while (this.#queue.length > 0 && this.#host.open() && !this.#removed && !this.#definition.settings.suspend) {
      if (this.#host.paused(this.#definition.id) || (gated && this.#running.size > 0)) return
      const slot = this.#queue.shift()
      if (slot === undefined) return
      if (slot === this.#buffered) this.#buffered = undefined
      this.#emit(slot)
    }
  }

  #emit(slot: number): void {
    const now = this.#host.now()
    const { settings, delayMs, id } = this.#definition
    const open = this.#claims.record.open.get(slot)
    if (open === undefined) return
    if (now - delayMs - slot * 1000 > (settings.deadlineMs ?? Infinity)) {
      this.#host.logger.info('a slot is past its deadline and is not run', { schedule: id, function: this.#definition.function, slot })
      this.#settle(slot).catch(this.#host.failed)
      return
    }
    this.#running.add(slot)
    this.#host.emit({
      event: tickEvent(this.#definition, slot, open, now),
      intake: id,
      targets: [{ function: this.#definition.function, attempts: 0 }],
      ack: () => this.#settle(slot),
      // The slot stays open in the record: the next session fires it again.
      release: () => void this.#running.delete(slot),
    })
  }

  #settle(slot: number): Promise<void> {
    const full = this.#claims.record.open.size >= MAX_OPEN
    this.#running.delete(slot)
    const durable = this.#claims.settle([slot])
    this.#pump()
    if (full && this.#host.open()) this.#host.wake(this.#definition.id, this.#host.now())
    return durable
  }
}
