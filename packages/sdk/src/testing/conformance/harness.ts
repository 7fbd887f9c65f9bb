import type { Clock } from '../../contract/clock.ts'
import type { Delivery } from '../../contract/delivery.ts'
import type { FunctionDeclaration } from '../../contract/functions-view.ts'
import type { Source } from '../../contract/source.ts'

/** An event that the suite wants published. */
export interface PlannedEvent {
  /** Unique over the whole run, e.g. `c4-e17`: by it the suite knows the event again. */
  readonly text: string
  /** `text` as UTF-8: what to publish as the body. */
  readonly data: Uint8Array
  /** Which of the harness's intakes it goes to, from 0 to `intakes - 1`. */
  readonly intake: number
  /** Publish something that the source cannot decode (only if the harness says `unreadable`). */
  readonly unreadable: boolean
}

/**
 * What a source's author gives to the suite: the source, and the hand that moves its broker. Cases run one after another, each with
 * `setup` before and `teardown` after it. Leave out what the broker cannot do: cases that need it are then skipped, and say so.
 */
export interface SourceHarness {
  /** For the title of the suite. */
  readonly name: string
  /** A fresh and empty topic, queue or file for the next case. */
  setup?(): Promise<void> | void
  /** A source as a new process would make it, over what `setup` prepared. Called again within a case after a kill: what must survive lies in the broker or in the state store. */
  create(): Promise<Source> | Source
  /** Resolves when the broker has the events. Spool sources: with true for each one that was accepted, false for each that was not. */
  publish(events: readonly PlannedEvent[]): Promise<readonly boolean[] | void> | readonly boolean[] | void
  /** The broker drops the session, and takes a new one at once. Absent: sessions cannot be lost. */
  disconnect?(): Promise<void> | void
  /** The broker goes and comes back; resolves when it is back. */
  restart?(): Promise<void> | void
  /** The process dies: nothing may be committed after it. @default `disconnect` */
  kill?(): Promise<void> | void
  /** Takes the first intake (0) from the source, which calls `revoke`, and gives it back; resolves then. */
  revoke?(): Promise<void> | void
  /** How many events of this case would not come again after a kill now, over all intakes. */
  position?(): Promise<number> | number
  /** What the broker saw that a good client does not do: a second acknowledgement, an unknown delivery tag, a position moved back. */
  complaints?(): Promise<readonly string[]> | readonly string[]
  teardown?(): Promise<void> | void
  /** Positions survive a kill. */
  readonly durable: boolean
  /** As the source says. @default 'broker' */
  readonly replay?: 'broker' | 'spool'
  /** Events of one intake come in the order in which they were published. @default true */
  readonly ordered?: boolean
  /** Events published before the first connect are delivered. @default true for 'broker', else false */
  readonly backlog?: boolean
  /** How many intakes can be published to. @default 1 */
  readonly intakes?: number
  /** The harness can publish what the source cannot decode. @default false */
  readonly unreadable?: boolean
  /** How many events may still come after `pause`. @default 0 */
  readonly overshoot?: number
  /** Events published by the case of saturation; well above `overshoot`. @default 400 */
  readonly burst?: number
  /** The source takes over delayed retries. @default false */
  readonly defer?: boolean
  /** The wait for the case of `defer`, in milliseconds. @default 10 */
  readonly deferMs?: number
  /** Absent: one function, `probe`, with the topic `#`. */
  readonly functions?: readonly FunctionDeclaration[]
  /** What to know an event by. @default its data as UTF-8 */
  textOf?(delivery: Delivery): string
  /** @default the real clock */
  readonly clock?: Clock
  /** For a source on a clock of its own: moves it by about `ms`. Called instead of waiting. @default waits in real time */
  tick?(ms: number): Promise<void> | void
  /** How long anything may take that must happen. @default 5000 */
  readonly timeoutMs?: number
  /** How long the suite watches that something does not happen; above the source's commit interval. @default 20 */
  readonly quietMs?: number
}

/** One case of the suite. */
export interface ConformanceCase {
  readonly name: string
  /** Why it does not apply to this harness; `run` then does nothing. */
  readonly skip?: string
  /** @throws Error that says what the source did and what it should have done */
  run(): Promise<void>
}
