import type { Clock, Logger } from '@millrace/sdk'
import type { IntakePlan } from '../topology/plan.ts'
import type { DeliveredMessage } from '../transport/message.ts'
import type { AmqpLink } from '../transport/transport.ts'
import type { Arrival, Handed } from './hand-over.ts'
import type { RabbitmqObserver } from './observer.ts'
import type { StreamReader } from './stream-reader.ts'

/** What a consumer is given; times in milliseconds. */
export interface QueueConsumerOptions {
  readonly plan: IntakePlan
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
  readonly observer: RabbitmqObserver
  readonly requestMs: number
  readonly soon: (run: () => void) => void
  readonly nextTag: (queue: string) => string
  /** The link to consume on: the shared one, or the queue's own. @throws MillraceError */
  readonly link: (queue: string) => Promise<AmqpLink>
  /** On a connection of its own. */
  readonly isolated: (queue: string) => boolean
  /** Declares what the plan says. @returns how many bindings are refused, which is tried again @throws MillraceError */
  readonly declare: (link: AmqpLink, plan: IntakePlan) => Promise<number>
  /** Runs one consume in its turn. */
  readonly gate: (queue: string, link: AmqpLink, consume: () => Promise<void>) => Promise<void>
  /** Nothing is to be handed over just now. */
  readonly held: (queue: string) => boolean
  /** Makes an event of a message; must not throw. */
  readonly read: (message: DeliveredMessage, plan: IntakePlan) => Arrival
  /** Whether it was finished before; must not reject. */
  readonly repeated: (arrival: Arrival) => boolean | Promise<boolean>
  readonly emit: (handed: Handed, intake: string) => void
  /** One message in hand at a time: its functions keep no order of their own. */
  readonly serial: (plan: IntakePlan) => boolean
  /** Its state has changed; must not throw. */
  readonly onState: () => void
  readonly revoke: (intakes: readonly string[], drainMs: number) => Promise<void>
  /** Streams: the place in it, and the right to read it. */
  readonly stream?: StreamReader | undefined
}
