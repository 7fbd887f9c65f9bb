import type { Delivery } from '../../src/contract/delivery.ts'
import type { MillraceEvent } from '../../src/contract/event.ts'
import type { Session, Source, SourceContext } from '../../src/contract/source.ts'
import type { MemoryConnection, MemoryLog } from '../../src/testing/memory-log.ts'
import type { MemorySourceOptions } from '../../src/testing/memory-source.ts'
import type { Fault } from './memory-harness.ts'

/** A source that does one thing wrong, and the case that must find it. */
export interface PlantedFault extends Fault {
  readonly does: string
  readonly options?: MemorySourceOptions
  /** Name of the case. */
  readonly found: string
  /** What the case says: proof that it found this, and not something else. */
  readonly says: RegExp
}

type Change = {
  readonly emit?: (delivery: Delivery, emit: (delivery: Delivery) => void, session: number) => void
  readonly accept?: (delivery: Delivery, context: SourceContext) => Promise<boolean>
  readonly connect?: (session: number, context: SourceContext) => Promise<void> | void
  readonly session?: (session: Session, context: SourceContext, source: Source) => Partial<Session>
}

/** Puts a change between source and runtime. */
const changed =
  (make: (log: MemoryLog) => Change) =>
  (source: Source, log: MemoryLog): Source => {
    const change = make(log)
    let sessions = 0
    return {
      ...source,
      async connect(context) {
        const number = ++sessions
        await change.connect?.(number, context)
        const { emit, accept } = change
        const session = await source.connect({
          ...context,
          ...(emit && { emit: (delivery: Delivery) => emit(delivery, (other) => context.emit(other), number) }),
          ...(accept && { accept: (delivery: Delivery) => accept(delivery, context) }),
        })
        const whole: Session = {
          closed: session.closed,
          pause: (intake) => session.pause(intake),
          resume: (intake) => session.resume(intake),
          close: () => session.close(),
        }
        return { ...whole, ...change.session?.(whole, context, source) }
      },
    }
  }

/** Puts a change between source and broker. */
const connection =
  (change: (inner: MemoryConnection, log: MemoryLog, number: number) => Partial<MemoryConnection>) =>
  (log: MemoryLog): MemoryLog => {
    let number = 0
    return Object.assign(Object.create(log) as MemoryLog, {
      connect: (client: Parameters<MemoryLog['connect']>[0]) => {
        const inner = log.connect(client)
        return { ...inner, ...change(inner, log, ++number) }
      },
      delay: log.delay.bind(log),
      offer: log.offer.bind(log),
    })
  }

const settlement = { results: [] }
const never = new Promise<never>(() => {})
const withEvent = (delivery: Delivery, event: Partial<MillraceEvent>): Delivery => ({ ...delivery, event: { ...delivery.event, ...event } })
const stream: MemorySourceOptions = { position: 'prefix' }

const emitting: readonly PlantedFault[] = [
  {
    does: 'loses order',
    found: 'emits every event once, in the order of its intake',
    says: /the events that came: expected/,
    source: changed(() => {
      const held: Delivery[] = []
      return {
        emit(delivery, emit) {
          if (held.push(delivery) === 1)
            setImmediate(() =>
              held
                .splice(0)
                .toReversed()
                .forEach((one) => emit(one)),
            )
        },
      }
    }),
  },
  {
    does: 'emits an event twice',
    found: 'emits every event once, in the order of its intake',
    says: /the events that came: expected/,
    source: changed(() => ({ emit: (delivery, emit) => (emit(delivery), emit(delivery)) })),
  },
  {
    does: 'gives all intakes one name',
    found: 'keeps intakes apart',
    says: /two intakes have two names/,
    source: changed(() => ({ emit: (delivery, emit) => emit({ ...delivery, intake: 'all' }) })),
  },
  {
    does: 'gives every event the same id',
    found: 'gives events with all fields and ids of their own',
    says: /different ids: expected 4, got 1/,
    source: changed(() => ({ emit: (delivery, emit) => emit(withEvent(delivery, { id: 'event' })) })),
  },
  {
    does: 'uses its read buffer again',
    found: 'never changes an event after the hand-over',
    says: /the event at the end/,
    source: changed(() => {
      const buffer = new Uint8Array(64)
      return {
        emit(delivery, emit) {
          buffer.set(delivery.event.data)
          emit(withEvent(delivery, { data: buffer.subarray(0, delivery.event.data.length) }))
        },
      }
    }),
  },
  {
    does: 'works a field out each time, and differently',
    found: 'never changes an event after the hand-over',
    says: /the event at the end/,
    source: changed(() => {
      let asked = 0
      const changing = { type: { get: () => `type-${(asked += 1)}` } }
      return { emit: (delivery, emit) => emit({ ...delivery, event: Object.create(delivery.event, changing) as MillraceEvent }) }
    }),
  },
  {
    does: 'skips what it cannot read',
    found: 'marks what it cannot read, in its place',
    says: /not within .* 3 deliveries/,
    source: changed(() => ({ emit: (delivery, emit) => (delivery.unreadable ? void delivery.ack(settlement) : emit(delivery)) })),
  },
]

const acknowledging: readonly PlantedFault[] = [
  {
    does: 'acknowledges early',
    found: 'moves no position before an acknowledgement',
    says: /none acknowledged: expected 0, got 4/,
    source: changed(() => ({
      emit(delivery, emit) {
        emit({ ...delivery, ack: () => {} })
        void delivery.ack(settlement)
      },
    })),
  },
  {
    does: 'never acknowledges',
    found: 'moves the position once events are acknowledged',
    says: /the position is 4; it is 0/,
    broker: connection(() => ({ ack: () => {} })),
  },
  {
    does: 'commits past a gap',
    options: stream,
    found: 'moves the position over no event that is not acknowledged',
    says: /the position is 0; it is 2/,
    source: changed((log) => {
      const backdoor = log.connect({ wake: () => {}, lost: () => {} })
      return {
        emit: (delivery, emit) =>
          emit({
            ...delivery,
            ack() {
              const next = Number(delivery.event.id.split('/').at(-1)) + 1
              if (next > backdoor.committed(delivery.intake)) backdoor.commit(delivery.intake, next)
            },
          }),
      }
    }),
  },
  {
    does: 'acknowledges twice',
    found: 'acknowledges each event to the broker once',
    says: /complains of: expected \[\], got \[\s*'left: ack of 0, which this connection does not hold'/,
    broker: connection((inner) => ({
      ack(intake, offset) {
        inner.ack(intake, offset)
        inner.ack(intake, offset)
      },
    })),
  },
  {
    does: 'drops on drain',
    found: 'gives a released event again, and no acknowledged one',
    says: /not within .* 3 deliveries; got 0/,
    source: changed(() => ({ emit: (delivery, emit) => emit({ ...delivery, release: () => void delivery.ack(settlement) }) })),
  },
  {
    does: 'begins anew after a kill',
    options: stream,
    found: 'resumes at the last acknowledged position after a kill',
    says: /came after the kill: expected/,
    broker: connection(() => ({ committed: () => 0 })),
  },
]

const pausing: readonly PlantedFault[] = [
  {
    does: 'ignores pause',
    found: 'stops emitting on pause and goes on with resume',
    says: /paused: 5 events came, at most 0 may/,
    source: changed(() => ({ session: () => ({ pause: () => {} }) })),
  },
  {
    does: 'never resumes',
    found: 'stops emitting on pause and goes on with resume',
    says: /not within .* 6 deliveries; got 1/,
    source: changed(() => ({ session: () => ({ resume: () => {} }) })),
  },
  {
    does: 'pauses all intakes for one',
    found: 'pauses one intake and not the others',
    says: /the events of the other intake come/,
    source: changed(() => ({ session: (session) => ({ pause: () => session.pause() }) })),
  },
  {
    does: 'lifts every pause at once',
    found: 'resume without a name lifts no pause by name',
    says: /left is paused by its name: 2 events came/,
    source: changed(() => ({
      session: (session) => ({ resume: () => ['left', 'right', undefined].forEach((intake) => session.resume(intake)) }),
    })),
  },
  {
    does: 'stops a burst late',
    found: 'stays bounded while nothing is acknowledged, and loses nothing of a burst',
    says: /the window is full: \d+ events came/,
    source: changed(() => ({ session: (session) => ({ pause: () => void setTimeout(() => session.pause(), 5) }) })),
  },
]

const ending: readonly PlantedFault[] = [
  {
    does: 'never says that the session is lost',
    found: 'says why a session was lost',
    says: /not within .* closed, after the session was lost/,
    source: changed(() => ({ session: () => ({ closed: never }) })),
  },
  {
    does: 'takes a loss for a close',
    found: 'says why a session was lost',
    says: /an Error that says why; got undefined/,
    source: changed(() => ({ session: (session) => ({ closed: session.closed.then(() => undefined) }) })),
  },
  {
    does: 'loses what was in hand with the session',
    options: stream,
    found: 'gives what was not acknowledged again after a loss, with the same ids',
    says: /not within .* 9 deliveries; got 4/,
    broker: connection((inner, log, number) => {
      if (number > 1) inner.commit('left', log.length('left'))
      return {}
    }),
  },
  {
    does: 'changes ids on redelivery',
    found: 'gives what was not acknowledged again after a loss, with the same ids',
    says: /the id of .* when it came again/,
    source: changed(() => ({ emit: (delivery, emit, session) => emit(withEvent(delivery, { id: `${session}:${delivery.event.id}` })) })),
  },
  {
    does: 'acknowledges by the tags of another session',
    found: 'settles nothing else by an acknowledgement that comes late',
    says: /never acknowledged, comes in each session/,
    source: changed(() => {
      let current = 0
      let tags: Delivery[] = []
      return {
        emit(delivery, emit, session) {
          if (session !== current) tags = []
          current = session
          const tag = tags.push(delivery) - 1
          emit({ ...delivery, ack: (settled) => tags[tag]?.ack(settled) })
        },
      }
    }),
  },
  {
    does: 'does not notice a restart',
    found: 'goes on after the broker was restarted',
    says: /published after the restart, come; got/,
    source: changed(() => ({ session: () => ({ closed: never }) })),
  },
  {
    does: 'lets an intake go without a word',
    found: 'asks before an intake goes, and gives what was released again',
    says: /not within .* 6 deliveries|revoke was called/,
    broker: (log) =>
      Object.assign(Object.create(log) as MemoryLog, {
        connect: (client: Parameters<MemoryLog['connect']>[0]) =>
          log.connect({ wake: () => client.wake(), lost: (why) => client.lost(why) }),
      }),
  },
  {
    does: 'emits after close',
    found: 'emits nothing after close',
    says: /the events that came in all: expected 2, got 5/,
    source: changed(() => ({
      session: (session, context, source) => ({
        async close() {
          await session.close()
          await source.connect(context)
        },
      }),
    })),
  },
  {
    does: 'never finishes close',
    found: 'emits nothing after close',
    says: /not within .* close\(\) comes to an end/,
    source: changed(() => ({ session: () => ({ close: () => never }) })),
  },
  {
    does: 'goes on connecting when it should stop',
    found: 'stops connecting when the signal aborts',
    says: /connect\(\) comes to an end when the signal aborts/,
    source: changed(() => ({ connect: (_number, context) => (context.signal.aborted ? never : undefined) })),
  },
]

const optional: readonly PlantedFault[] = [
  {
    does: 'says yes before the event is stored',
    options: { replay: 'spool' },
    found: 'accepts an event only once it is stored',
    says: /while the event is not stored: expected undefined/,
    source: changed(() => ({
      async accept(delivery, context) {
        void context.accept(delivery)
        return true
      },
    })),
  },
  {
    does: 'says yes when the spool is full',
    options: { replay: 'spool' },
    found: 'refuses an event when the spool is full',
    says: /while the spool is full: expected \[ false, false \]/,
    source: changed(() => ({ accept: async (delivery, context) => (await context.accept(delivery)) || true })),
  },
  {
    does: 'retries for every function',
    options: { defer: true },
    found: 'takes over a delayed retry, for the functions that failed',
    says: /the targets of the retry: expected/,
    source: changed(() => ({
      emit: (delivery, emit) =>
        emit({ event: delivery.event, intake: delivery.intake, ack: (s) => delivery.ack(s), release: (r) => delivery.release(r) }),
    })),
  },
]

export const plantedFaults: readonly PlantedFault[] = [...emitting, ...acknowledging, ...pausing, ...ending, ...optional]
