import { openDoor } from '../../packages/rabbitmq-connector/test/real/door.ts'
import { expiresIntoNothing, offerAgain } from '../rabbitmq/scenarios/broker-faults.ts'
import { blackHole, closedAgainAndAgain, resetEverywhere, type FaultFigures } from '../rabbitmq/scenarios/connections.ts'
import { rabbitmq } from '../servers/rabbitmq.ts'
import { startToxiproxy } from '../servers/toxiproxy.ts'
import type { LongPart } from './part.ts'

/** Throws what was not kept. */
const kept = <T extends Pick<FaultFigures, 'problems'>>(figures: T, ...more: readonly (string | false)[]): string => {
  const problems = [...figures.problems, ...more.filter((each) => each !== false)]
  if (problems.length > 0) throw new Error(`${problems.join('; ')}: ${JSON.stringify(figures)}`)
  return JSON.stringify(figures)
}

const late = ({ backMs }: Pick<FaultFigures, 'backMs'>): string | false => backMs > 35_000 && `ready again after ${backMs} ms`

/** What `test/rabbitmq/network.test.ts` does for seconds, and what the broker takes minutes for. */
export const rabbitmqConnections: LongPart = {
  name: 'rabbitmq-connections',
  about:
    'By turns: connections closed every 500 ms for 30 s, resets at any moment, a black hole of 20 s, retries that expire into nothing.',
  steps: 40,
  open: async () => {
    const toxiproxy = await startToxiproxy()
    const server = await rabbitmq.single()
    await offerAgain(server, 180_000)
    const door = await openDoor(server.port)
    const proxy = await toxiproxy.proxy(server.port)
    await proxy.add({ type: 'latency', latencyMs: 60, jitterMs: 30 })
    const times = (random: () => number, count: number, most: number): readonly number[] =>
      Array.from({ length: count }, () => Math.round(random() * most))
    return {
      step: async ({ index, random }) => {
        if (index % 4 === 0) {
          const figures = await closedAgainAndAgain(server, proxy.port, { forMs: 30_000, everyMs: 500 })
          return kept(figures, late(figures))
        }
        if (index % 4 === 1) {
          const figures = await resetEverywhere(server, door, times(random, 20, 120), 1500)
          return kept(figures, late(figures))
        }
        if (index % 4 === 2) {
          const figures = await blackHole(server, door, { forMs: 20_000, beforeMs: times(random, 8, 400) })
          return kept(figures, late(figures), figures.noticedMs > 4000 && `noticed after ${figures.noticedMs} ms`)
        }
        const figures = await expiresIntoNothing(server, 240_000)
        return kept(figures, figures.kept === 0 && 'nothing had expired')
      },
      close: async () => {
        await door.close()
        await server.stop()
        await toxiproxy.stop()
      },
    }
  },
}
