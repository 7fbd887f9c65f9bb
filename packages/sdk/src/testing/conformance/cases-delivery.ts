import { needs } from './bench.ts'
import type { CaseDefinition } from './bench.ts'
import { snapshotOf } from './surroundings.ts'
import { expectSame, expectThat } from './waiting.ts'

/** Events as they come. */
export const deliveryCases: readonly CaseDefinition[] = [
  {
    name: 'emits every event once, in the order of its intake',
    async run(bench) {
      const before = bench.backlog ? await bench.publish(3) : []
      const probe = await bench.start()
      const texts = [...before, ...(await bench.publish(5))]
      await probe.arrived(texts.length)
      await bench.waiting.quiet()
      bench.expectTexts(probe.texts(), texts, 'the events that came')
    },
  },
  {
    name: 'keeps intakes apart',
    skip: needs('intakes'),
    async run(bench) {
      const probe = await bench.start()
      const first = await bench.publish(3, 0)
      const second = await bench.publish(3, 1)
      await probe.arrived(6)
      const textsOf = (intake: string | undefined): readonly string[] =>
        probe.received.flatMap(({ delivery, text }) => (delivery.intake === intake ? [text] : []))
      const names = [first, second].map((texts) => probe.received.find(({ text }) => text === texts[0])?.delivery.intake)
      expectThat(names[0] !== names[1], `two intakes have two names; both are ${names[0]}`)
      bench.expectTexts(textsOf(names[0]), first, 'the events of the first intake')
      bench.expectTexts(textsOf(names[1]), second, 'the events of the second intake')
    },
  },
  {
    name: 'gives events with all fields and ids of their own',
    async run(bench) {
      const probe = await bench.startWith(4)
      for (const { delivery } of probe.received) {
        const { event } = delivery
        for (const field of ['id', 'source', 'type', 'topic'] as const) {
          expectThat(
            typeof event[field] === 'string' && event[field] !== '',
            `${field} is a string with something in it: ${String(event[field])}`,
          )
        }
        expectThat(event.data instanceof Uint8Array && Array.isArray(event.headers), 'data is a Uint8Array and headers a list')
        expectThat(typeof delivery.intake === 'string' && delivery.intake !== '', 'the delivery names its intake')
      }
      expectSame(new Set(probe.received.map(({ delivery }) => delivery.event.id)).size, 4, 'different ids')
    },
  },
  {
    name: 'never changes an event after the hand-over',
    async run(bench) {
      const probe = await bench.startWith(3)
      await bench.publish(2)
      await probe.arrived(5)
      for (const received of probe.received) await probe.ack(received)
      await bench.waiting.quiet()
      for (const { delivery, snapshot } of probe.received) expectSame(snapshotOf(delivery), snapshot, 'the event at the end')
    },
  },
  {
    name: 'marks what it cannot read, in its place',
    skip: needs('unreadable'),
    async run(bench) {
      const probe = await bench.start()
      await bench.send([...bench.plan(1), ...bench.plan(1, 0, true), ...bench.plan(1)])
      await probe.arrived(3)
      expectSame(
        probe.received.map(({ delivery }) => delivery.unreadable !== undefined),
        [false, true, false],
        'which of the three events are unreadable',
      )
      expectThat((probe.received[1]?.delivery.unreadable?.detail ?? '') !== '', 'unreadable says in detail what is wrong')
      for (const received of probe.received) await probe.ack(received, received.delivery.unreadable ? 'dead-lettered' : 'done')
      await bench.positionSettles(3, 'a dead letter is acknowledged as any other event')
    },
  },
]
