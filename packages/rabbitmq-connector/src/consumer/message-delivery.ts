import type { Delivery, MillraceEvent, ReleaseReason, Settlement, Target } from '@millrace/sdk'
import type { Handed } from './hand-over.ts'

/** Settles a message that all its functions have answered. */
export type AckMessage = (handed: Handed, settlement: Settlement) => void | Promise<void>

/** A message with its two ways out, of which the first that is taken counts: a class, since there is one for each message. */
export class MessageDelivery implements Delivery {
  readonly event: MillraceEvent
  readonly intake: string
  readonly targets?: readonly Target[]
  readonly unlisted?: 'release'
  readonly unreadable?: NonNullable<Delivery['unreadable']>
  readonly #handed: Handed
  readonly #ack: AckMessage
  #over = false

  constructor(handed: Handed, intake: string, ack: AckMessage) {
    const { isOwn, mapped } = handed.arrival
    this.event = Object.freeze(mapped.event)
    this.intake = intake
    if (mapped.targets !== undefined) this.targets = mapped.targets
    if (isOwn) this.unlisted = 'release'
    if (mapped.unreadable !== undefined) this.unreadable = mapped.unreadable
    this.#handed = handed
    this.#ack = ack
  }

  ack(settlement: Settlement): void | Promise<void> {
    if (this.#over) return undefined
    this.#over = true
    return this.#ack(this.#handed, settlement)
  }

  release(reason: ReleaseReason): void {
    if (this.#over) return
    this.#over = true
    if (reason === 'unlisted') this.#handed.hold()
    else this.#handed.giveBack()
  }
}
