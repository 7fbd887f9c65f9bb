import { kafkaSource } from '@millrace/kafka-connector'
import { memoryState, noMetrics, type Session, silentLogger, systemClock } from '@millrace/sdk'
import { uniqueName } from '../../../test/servers/kafka.ts'
import { timedEngine } from '../timed-engine.ts'
import { Stopwatch, type Took } from '../stopwatch.ts'
import { waitMs } from './waits.ts'

/** The offset in an event's id, `kafka:{cluster}/{topic}/{partition}/{offset}`. */
const offsetOf = (id: string): number => Number(id.slice(id.lastIndexOf('/') + 1))

/** The Kafka source with the delivery core at order `key`, and a timer in place of the request: what the connector adds to the work itself. */
export const runTimedEngine = async (bootstrap: readonly string[], topic: string, count: number, slots: number): Promise<Took> => {
  const watch = new Stopwatch(count)
  const live: { session?: Session } = {}
  const engine = timedEngine({
    slots,
    waitMs: ({ id }) => waitMs(offsetOf(id)),
    onStart: () => watch.start(),
    onEnd: () => watch.end(),
    pause: (intake) => live.session?.pause(intake),
    resume: (intake) => live.session?.resume(intake),
  })
  const source = kafkaSource({ connection: { brokers: bootstrap }, topics: [topic], group: uniqueName('ours') })
  const session = await source.connect({
    functions: { snapshot: () => [], get: () => undefined, subscribe: () => () => {} },
    emit: (delivery) => engine.accept(delivery),
    accept: () => Promise.resolve(false),
    revoke: (intakes, drainMs) => engine.revoke((intake) => intakes === 'all' || intakes.includes(intake.name), drainMs, 'revoked'),
    reportProblems: () => {},
    state: memoryState({ clock: systemClock }),
    metrics: noMetrics,
    clock: systemClock,
    draining: new AbortController().signal,
    signal: new AbortController().signal,
    logger: silentLogger,
  })
  live.session = session
  // A pause that was said before the session was there.
  engine.restatePauses()
  const took = await watch.took
  await engine.revoke(() => true, 1000, 'drain')
  await session.close()
  return took
}
