import type { Settlement, SourceContext } from '@millrace/sdk'
import type { Dedupe } from '../dedupe/dedupe.ts'
import { dedupeIdOf } from '../mapping/dedupe-id.ts'
import type { MappedMessage } from '../mapping/message-to-event.ts'
import type { IntakePlan } from '../topology/plan.ts'
import type { DeliveredMessage } from '../transport/message.ts'
import { MessageDelivery } from './message-delivery.ts'
import type { AckMessage } from './message-delivery.ts'
import type { RabbitmqObserver } from './observer.ts'

/** A message, with the event that was made of it. */
export interface Arrival {
  readonly message: DeliveredMessage
  readonly mapped: MappedMessage
  /** From the queue of one function: kept with the queue while the function is gone. */
  readonly isOwn: boolean
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
  /** The broker of its channel tells failed messages from others: see `giveBackFailed`. */
  readonly takesFailed: boolean
  /** It has failed, and its queue gives it again after a wait of its own. */
  giveBackFailed(): void
  /** It is not for anybody just now: handed over anew when its function is there again, and back in its queue when the consumer goes. */
  hold(): void
}

/** @see HandOver */
export interface HandOverOptions {
  readonly context: Pick<SourceContext, 'emit'>
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

/** The mark of an event that may be known again. A copy for some functions is no repeat of the event itself, nor of a copy for others. */
const markOf = ({ event, targets }: MappedMessage): string | undefined => {
  const id = dedupeIdOf(event)
  return id === undefined || targets === undefined ? id : `${id}#${targets.map((target) => target.function).join(',')}`
}

/** Whether nothing is left to do. An event that nobody wanted may be wanted when it comes again. */
const isFinished = ({ results }: Settlement): boolean => results.length > 0 && results.every(({ outcome }) => finished.has(outcome))

/** The way of a message into the runtime and of its result back to the broker. */
export class HandOver {
  readonly #options: HandOverOptions

  constructor(options: HandOverOptions) {
    this.#options = options
  }

  read(message: DeliveredMessage, plan: IntakePlan): Arrival {
    return { message, mapped: this.#options.map(message, plan), isOwn: plan.function !== undefined }
  }

  /** Whether it was finished before. Never rejects. */
  repeated({ mapped }: Arrival): boolean | Promise<boolean> {
    const { dedupe } = this.#options
    const mark = dedupe === undefined ? undefined : markOf(mapped)
    return dedupe === undefined || mark === undefined ? false : dedupe.seen(mark)
  }

  emit(handed: Handed, intake: string): void {
    this.#options.context.emit(new MessageDelivery(handed, intake, this.#settle))
  }

  readonly #settle: AckMessage = (handed, settlement) => this.#ack(handed, settlement)

  #ack(handed: Handed, settlement: Settlement): void | Promise<void> {
    const { dedupe, reply } = this.#options
    const replying = reply(handed.arrival, settlement, () => handed.ended)
    const mark = dedupe !== undefined && isFinished(settlement) ? markOf(handed.arrival.mapped) : undefined
    if (replying === undefined && mark === undefined) {
      handed.finish()
      return undefined
    }
    return this.#conclude(handed, replying, mark)
  }

  /** The reply is confirmed before the message is acknowledged; the mark stands before it too, or a crash between them would be a repeat. */
  async #conclude(handed: Handed, replying: Promise<void> | undefined, mark: string | undefined): Promise<void> {
    await replying
    if (mark !== undefined) await this.#options.dedupe?.mark(mark)
    handed.finish()
  }
}
