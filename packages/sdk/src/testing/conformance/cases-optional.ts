import { needs } from './bench.ts'
import type { CaseDefinition } from './bench.ts'
import type { Received } from './probe.ts'
import type { Target } from '../../contract/delivery.ts'
import { expectSame, expectThat } from './waiting.ts'

/** Spools and delayed retries. */
export const optionalCases: readonly CaseDefinition[] = [
  {
    name: 'accepts an event only once it is stored',
    skip: needs('spool'),
    async run(bench) {
      const probe = await bench.start()
      const { promise: stored, resolve } = Promise.withResolvers<boolean>()
      let asked = 0
      probe.behaviour.accept = () => {
        asked++
        return stored
      }
      let answer: readonly boolean[] | undefined
      const sending = bench.send(bench.plan(1)).then((answers) => (answer = answers))
      await bench.waiting.until('accept() is called', () => asked > 0)
      await bench.waiting.quiet()
      expectSame(answer, undefined, 'the answer to the publisher while the event is not stored')
      resolve(true)
      expectSame(await sending, [true], 'the answer once it is')
    },
  },
  {
    name: 'refuses an event when the spool is full',
    skip: needs('spool'),
    async run(bench) {
      const probe = await bench.start()
      probe.behaviour.accept = async () => false
      expectSame(await bench.send(bench.plan(2)), [false, false], 'the answers while the spool is full')
      probe.behaviour.accept = async () => true
      expectSame(await bench.send(bench.plan(1)), [true], 'the answer when there is room')
      await bench.waiting.quiet()
      expectSame(probe.received.length, 1, 'the events that came in')
    },
  },
  {
    name: 'takes over a delayed retry, for the functions that failed',
    skip: needs('broker', 'defer'),
    async run(bench) {
      const probe = await bench.startWith(1)
      const received = probe.received[0] as Received
      const routes: readonly Target[] = [{ function: 'probe', attempts: 2, firstAttemptAt: 1_767_225_600_000 }]
      const taken = await bench.waiting.within('defer()', () =>
        probe.source.defer?.(received.delivery, routes, bench.harness.deferMs ?? 10),
      )
      expectThat(taken === true, 'defer() resolves true')
      await probe.ack(received, 'deferred')
      await probe.arrived(2)
      const again = probe.received[1] as Received
      expectSame(again.delivery.targets, routes, 'the targets of the retry')
      expectSame([again.delivery.event.id, again.text], [received.delivery.event.id, received.text], 'id and data of the retry')
      await probe.ack(again)
      await bench.positionSettles(2, 'after the event and its retry copy')
    },
  },
]
