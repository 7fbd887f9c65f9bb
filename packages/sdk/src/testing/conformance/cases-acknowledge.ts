import { needs } from './bench.ts'
import type { CaseDefinition } from './bench.ts'
import { expectSame } from './waiting.ts'
import type { Received } from './probe.ts'

/** How far the position may be with these events settled. */
const allowed = (received: readonly Received[], position: 'each' | 'prefix'): number => {
  const unsettled = received.findIndex(({ settled }) => !settled)
  if (position === 'prefix') return unsettled < 0 ? received.length : unsettled
  return received.filter(({ settled }) => settled).length
}

/** Acknowledge follows outcome. */
export const acknowledgeCases: readonly CaseDefinition[] = [
  {
    name: 'moves no position before an acknowledgement',
    skip: needs('position', 'broker'),
    async run(bench) {
      await bench.startWith(4)
      await bench.positionStays(0, 'the position with four events in hand and none acknowledged')
    },
  },
  {
    name: 'moves the position once events are acknowledged',
    skip: needs('position'),
    async run(bench) {
      const probe = await bench.startWith(4)
      for (const received of probe.received) await probe.ack(received)
      await bench.positionSettles(4, 'after four acknowledgements')
    },
  },
  {
    name: 'moves the position over no event that is not acknowledged',
    skip: needs('position', 'broker'),
    async run(bench) {
      const probe = await bench.startWith(6)
      for (const index of [1, 4, 2, 0, 5, 3]) {
        await probe.ack(probe.received[index] as Received)
        const count = allowed(probe.received, probe.source.position ?? 'each')
        await bench.positionSettles(count, `after the acknowledgement of number ${index}`)
      }
    },
  },
  {
    name: 'acknowledges each event to the broker once',
    skip: (harness) => (harness.complaints || harness.position ? undefined : 'the harness has no complaints and no position'),
    async run(bench) {
      const probe = await bench.startWith(4)
      await Promise.all(probe.received.map((received) => probe.ack(received)))
      await bench.positionSettles(4, 'after four acknowledgements at once')
      await probe.close()
      await bench.positionStays(4, 'after close()')
      expectSame((await bench.harness.complaints?.()) ?? [], [], 'what the broker complains of')
    },
  },
  {
    name: 'gives a released event again, and no acknowledged one',
    skip: needs('broker', 'durable'),
    async run(bench) {
      const first = await bench.startWith(5)
      first.session.pause()
      for (const received of first.received.slice(0, 2)) await first.ack(received)
      first.releaseAll('drain')
      await first.close()
      const second = await bench.start()
      const again = first.texts(2)
      await second.arrived(again.length)
      await bench.waiting.quiet()
      bench.expectTexts(second.texts(), again, 'the events that came after the drain')
    },
  },
  {
    name: 'resumes at the last acknowledged position after a kill',
    skip: needs('broker', 'durable', 'kill'),
    async run(bench) {
      const first = await bench.startWith(6)
      for (const received of first.received.slice(0, 3)) await first.ack(received)
      await bench.positionSettles(3, 'after three acknowledgements')
      await first.die()
      const second = await bench.create()
      await second.reconnect()
      await second.arrived(3)
      await bench.waiting.quiet()
      bench.expectTexts(second.texts(), first.texts(3), 'the events that came after the kill')
    },
  },
]
