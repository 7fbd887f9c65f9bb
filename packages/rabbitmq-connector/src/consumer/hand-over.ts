import { deliver } from '@millrace/sdk'
import type { Settlement, SourceContext, Target } from '@millrace/sdk'
import type { Dedupe } from '../dedupe/dedupe.ts'
import type { MappedMessage } from '../mapping/message-to-event.ts'
import type { IntakePlan } from '../topology/plan.ts'
import type { DeliveredMessage } from '../transport/message.ts'
import type { RabbitmqObserver } from './observer.ts'

/** A message, with the event that was made of it. */
export interface Arrival {
  readonly message: DeliveredMessage
  readonly mapped: MappedMessage
}

/** A message in the hands of the runtime, with what may be done to it. */
export interface Handed {
  readonly arrival: Arrival
  /** Its channel has gone. */
  readonly ended: boolean
  /** It is finished. False when its channel has gone: it comes again. */
  finish(): boolean
  /** It must come again. */
  giveBack(): void
}

/** @see HandOver */
export interface HandOverOptions {
  readonly context: Pick<SourceContext, 'emit' | 'logger'>
  readonly observer: RabbitmqObserver
  readonly map: (message: DeliveredMessage, plan: IntakePlan) => MappedMessage
  readonly dedupe: Dedupe | undefined
  /**
   * Publishes what the functions have answered, where the message asks for it; `undefined`: it does not. Rejects when it is not confirmed.
   * `ended`: the message comes again, so that nobody needs it any more.
   */
  readonly reply: (arrival: Arrival, settlement: Settlement, ended: () => boolean) => Promise<void> | undefined
}

/** Results after which the event needs no second call: a dead letter may be put back under its id, and a retry is still to come. */
const finished: ReadonlySet<string> = new Set(['done', 'accepted', 'filtered'])

/** A copy for some functions is no repeat of the event itself, nor of a copy for others. */
const markOf = (id: string, targets: readonly Target[] | undefined): string =>
  targets === undefined ? id : `${id}#${targets.map((target) => target.function).join(',')}`

/** The way of a message into the runtime and of its result back to the broker. */
export class HandOver {
  readonly #options: HandOverOptions

  constructor(options: HandOverOptions) {
    this.#options = options
  }

  read(message: DeliveredMessage, plan: IntakePlan): Arrival {
    return { message, mapped: this.#options.map(message, plan) }
  }

  /** Whether it was finished before. Never rejects. */
  repeated({ mapped }: Arrival): boolean | Promise<boolean> {
    const { dedupe } = this.#options
    // Two messages without an id of their own may look the same and not be.
    if (dedupe === undefined || mapped.event.ambiguousId === true) return false
    return dedupe.seen(markOf(mapped.event.id, mapped.targets))
  }

  emit(handed: Handed, intake: string): void {
    const { event, targets, unreadable } = handed.arrival.mapped
    deliver(this.#options.context, {
      event,
      intake,
      ...(targets !== undefined && { targets }),
      ...(unreadable !== undefined && { unreadable }),
      ack: (settlement) => this.#ack(handed, settlement),
      release: () => handed.giveBack(),
    })
  }

  #ack(handed: Handed, settlement: Settlement): void | Promise<void> {
    const { dedupe, reply } = this.#options
    const replying = reply(handed.arrival, settlement, () => handed.ended)
    const { event } = handed.arrival.mapped
    const marks = dedupe !== undefined && event.ambiguousId !== true && settlement.results.every(({ outcome }) => finished.has(outcome))
    if (replying === undefined && !marks) {
      handed.finish()
      return undefined
    }
    return this.#conclude(handed, replying, marks)
  }

  /** The reply is confirmed before the message is acknowledged; the mark stands before it too, or a crash between them would be a repeat. */
  async #conclude(handed: Handed, replying: Promise<void> | undefined, marks: boolean): Promise<void> {
    const { mapped } = handed.arrival
    await replying
    if (marks) await this.#options.dedupe?.mark(markOf(mapped.event.id, mapped.targets))
    handed.finish()
  }
}
