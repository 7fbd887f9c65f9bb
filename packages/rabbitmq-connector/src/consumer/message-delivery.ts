import type { Delivery, MillraceEvent, ReleaseReason, Settlement, Target } from '@millrace/sdk'
import type { Handed } from './hand-over.ts'

/** Settles a message that all its functions have answered. */
export type AckMessage = (handed: Handed, settlement: Settlement) => void | Promise<void>

/** A message with its two ways out, of which the first that is taken counts: a class, since there is one for each message. */
export class MessageDelivery implements Delivery {
  readonly event: MillraceEvent
  readonly intake: string
  readonly targets?: readonly Target[]
  readonly asksFilter?: true
  readonly unlisted?: 'release'
  readonly unreadable?: NonNullable<Delivery['unreadable']>
  readonly #handed: Handed
  readonly #ack: AckMessage
  #over = false
  #fails = false

  constructor(handed: Handed, intake: string, ack: AckMessage) {
    const { isOwn, mapped } = handed.arrival
    this.event = Object.freeze(mapped.event)
    this.intake = intake
    if (mapped.targets !== undefined) this.targets = mapped.targets
    if (mapped.asksFilter !== undefined) this.asksFilter = true
    if (isOwn) this.unlisted = 'release'
    if (mapped.unreadable !== undefined) this.unreadable = mapped.unreadable
    this.#handed = handed
    this.#ack = ack
  }

  ack(settlement: Settlement): void | Promise<void> {
    if (this.#over) return undefined
    this.#over = true
    // What no retry waits for any more is finished as every other message.
    if (!this.#fails || settlement.results.every(({ outcome }) => outcome !== 'deferred')) return this.#ack(this.#handed, settlement)
    this.#handed.giveBackFailed()
    return undefined
  }

  /** Whether its queue can be given it back as failed. */
  get takesFailed(): boolean {
    return !this.#over && this.#handed.takesFailed
  }

  /** Its retry waits in its own queue: when that is all that is left of it, it is given back and not acknowledged. */
  failLater(): void {
    this.#fails = true
  }

  release(reason: ReleaseReason): void {
    if (this.#over) return
    this.#over = true
    if (reason === 'unlisted') this.#handed.hold()
    else this.#handed.giveBack()
  }
}
