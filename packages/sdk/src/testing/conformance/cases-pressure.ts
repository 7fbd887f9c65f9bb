import { needs } from './bench.ts'
import type { Bench, CaseDefinition } from './bench.ts'
import type { Probe } from './probe.ts'
import { expectThat } from './waiting.ts'

const noneCome = async (bench: Bench, probe: Probe, from: number, why: string): Promise<void> => {
  await bench.waiting.quiet()
  const came = probe.received.length - from
  const overshoot = bench.harness.overshoot ?? 0
  expectThat(came <= overshoot, `${why}: ${came} events came, at most ${overshoot} may`)
}

/** Pause, resume, saturation. */
export const pressureCases: readonly CaseDefinition[] = [
  {
    name: 'stops emitting on pause and goes on with resume',
    skip: needs('broker'),
    async run(bench) {
      const probe = await bench.startWith(1)
      probe.session.pause()
      probe.session.pause()
      await bench.publish(5 + (bench.harness.overshoot ?? 0))
      await noneCome(bench, probe, 1, 'paused')
      probe.session.resume()
      probe.session.resume()
      await probe.arrived(6 + (bench.harness.overshoot ?? 0))
    },
  },
  {
    name: 'pauses one intake and not the others',
    skip: needs('broker', 'intakes'),
    async run(bench) {
      const probe = await bench.startWith(1)
      const intake = probe.received[0]?.delivery.intake as string
      probe.session.pause(intake)
      const count = 3 + (bench.harness.overshoot ?? 0)
      await bench.publish(count, 0)
      const others = await bench.publish(3, 1)
      await bench.waiting.until('the events of the other intake come', () => others.every((text) => probe.texts().includes(text)))
      await noneCome(bench, probe, 4, `${intake} is paused`)
      probe.session.resume(intake)
      await probe.arrived(4 + count)
    },
  },
  {
    name: 'resume without a name lifts no pause by name',
    skip: needs('broker', 'intakes'),
    async run(bench) {
      const probe = await bench.startWith(1)
      const intake = probe.received[0]?.delivery.intake as string
      probe.session.pause(intake)
      probe.session.pause()
      probe.session.resume()
      const others = await bench.publish(2, 1)
      const count = 2 + (bench.harness.overshoot ?? 0)
      await bench.publish(count, 0)
      await bench.waiting.until('the events of the other intake come', () => others.every((text) => probe.texts().includes(text)))
      await noneCome(bench, probe, 3, `${intake} is paused by its name`)
      probe.session.resume(intake)
      await probe.arrived(3 + count)
    },
  },
  {
    name: 'stays bounded while nothing is acknowledged, and loses nothing of a burst',
    skip: needs('broker'),
    async run(bench) {
      const window = 10
      const probe = await bench.start()
      probe.behaviour.onEmit = () => void (probe.inHand.length >= window && probe.session.pause())
      const texts = await bench.publish(bench.harness.burst ?? 400)
      await probe.arrived(window)
      await noneCome(bench, probe, window, 'the window is full')
      await bench.waiting.until(
        () => `all ${texts.length} events of the burst come; ${probe.received.length} did`,
        async () => {
          for (const received of probe.inHand) await probe.ack(received)
          probe.session.resume()
          return probe.received.length >= texts.length
        },
      )
      bench.expectTexts(probe.texts(), texts, 'the burst')
    },
  },
]
