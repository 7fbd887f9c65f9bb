import { needs } from './bench.ts'
import type { Bench, CaseDefinition } from './bench.ts'
import type { Probe, Received } from './probe.ts'
import { expectSame, expectThat } from './waiting.ts'

/** Drops the session as the broker would; returns what the source says. The runtime then releases what it had in hand. */
const lose = async (bench: Bench, probe: Probe): Promise<unknown> => {
  const { closed } = probe.session
  await bench.harness.disconnect?.()
  const reason = await bench.waiting.within('closed, after the session was lost,', () => closed)
  return reason
}

/** The beginning, loss and end of sessions. */
export const sessionCases: readonly CaseDefinition[] = [
  {
    name: 'says why a session was lost',
    skip: needs('disconnect'),
    async run(bench) {
      const probe = await bench.start()
      const reason = await lose(bench, probe)
      expectThat(reason instanceof Error && reason.message !== '', `closed resolves with an Error that says why; got ${String(reason)}`)
    },
  },
  {
    name: 'gives what was not acknowledged again after a loss, with the same ids',
    skip: needs('broker', 'disconnect'),
    async run(bench) {
      const probe = await bench.startWith(4)
      await probe.ack(probe.received[0] as Received)
      await bench.positionSettles(1, 'after one acknowledgement')
      await lose(bench, probe)
      probe.releaseAll('lost')
      const away = bench.backlog ? await bench.publish(2) : []
      await probe.reconnect()
      const expected = [...probe.texts().slice(1, 4), ...away]
      await probe.arrived(4 + expected.length)
      await bench.waiting.quiet()
      bench.expectTexts(probe.texts(4), expected, 'the events that came after the loss')
      for (const again of probe.received.slice(4)) {
        const before = probe.received.slice(0, 4).find(({ text }) => text === again.text)
        if (before) expectSame(again.delivery.event.id, before.delivery.event.id, `the id of ${again.text} when it came again`)
      }
    },
  },
  {
    name: 'settles nothing else by an acknowledgement that comes late',
    skip: needs('broker', 'disconnect'),
    async run(bench) {
      const probe = await bench.startWith(3)
      const [first, second, third] = probe.received as [Received, Received, Received]
      await probe.ack(first)
      await bench.positionSettles(1, 'after one acknowledgement')
      await lose(bench, probe)
      await probe.reconnect()
      await probe.arrived(5)
      // The function has succeeded meanwhile, in the old session: it may count or not, but for this event alone.
      await probe.ack(second)
      await bench.waiting.quiet()
      expectThat(
        ((await bench.position()) ?? 0) <= 2,
        `at most two events are settled after two acknowledgements; it is ${await bench.position()}`,
      )
      await lose(bench, probe)
      await probe.reconnect()
      await bench.waiting.until(`${third.text}, never acknowledged, comes in each session`, () =>
        [2, 3].every((session) => probe.received.some((received) => received.text === third.text && received.session === session)),
      )
    },
  },
  {
    name: 'goes on after the broker was restarted',
    skip: needs('broker', 'restart'),
    async run(bench) {
      const probe = await bench.startWith(2)
      let over = false
      void probe.session.closed.then(() => (over = true))
      await bench.harness.restart?.()
      const later = await bench.publish(2)
      // A client may also survive the restart within its session.
      await bench.waiting.until(
        () => `${later.join(' and ')}, published after the restart, come; got ${probe.texts().join(', ')}`,
        async () => {
          if (over) {
            over = false
            probe.releaseAll('lost')
            await probe.reconnect()
            void probe.session.closed.then(() => (over = true))
          }
          return later.every((text) => probe.texts().includes(text))
        },
      )
      for (const received of probe.inHand) await probe.ack(received)
      await bench.positionSettles(4, 'after the acknowledgement of all')
    },
  },
  {
    name: 'asks before an intake goes, and gives what was released again',
    skip: needs('broker', 'revoke'),
    async run(bench) {
      const probe = await bench.startWith(3)
      const [first, second] = probe.received as [Received, Received]
      await probe.ack(first)
      await bench.positionSettles(1, 'after one acknowledgement')
      let asked = 0
      let cameMeanwhile = 0
      probe.behaviour.onRevoke = async (intakes) => {
        asked++
        const had = probe.received.length
        await bench.publish(1)
        await bench.waiting.quiet()
        cameMeanwhile = probe.received.length - had
        probe.releaseIntakes(intakes)
      }
      await bench.waiting.within('revoke()', () => bench.harness.revoke?.())
      await probe.arrived(6)
      await bench.waiting.quiet()
      expectSame([asked > 0, cameMeanwhile], [true, 0], 'revoke was called, and events that came while it waited')
      bench.expectTexts(probe.texts(3).slice(0, 2), probe.texts().slice(1, 3), 'what came again after the revocation')
      await probe.ack(second)
      await bench.positionStays(1, 'the late acknowledgement of a revoked delivery')
    },
  },
  {
    name: 'emits nothing after close',
    async run(bench) {
      const probe = await bench.startWith(2)
      for (const received of probe.received) await probe.ack(received)
      const { closed } = probe.session
      await probe.close()
      expectSame(await bench.waiting.within('closed, after close(),', () => closed), undefined, 'what closed resolves with after close()')
      await bench.publish(3)
      await bench.waiting.quiet()
      expectSame(probe.received.length, 2, 'the events that came in all')
    },
  },
  {
    name: 'stops connecting when the signal aborts',
    async run(bench) {
      for (const early of [true, false]) {
        const probe = await bench.create()
        if (early) probe.abort()
        const connecting = probe.connect()
        probe.abort()
        // Both are fine: to refuse, or to be connected and then closed by the runtime.
        const connected = await connecting.then(
          () => true,
          (error: unknown) => !(error instanceof Error && error.name === 'ConformanceError') && 'refused',
        )
        expectThat(connected !== false, 'connect() comes to an end when the signal aborts')
        if (connected === true) await probe.close()
      }
    },
  },
]
