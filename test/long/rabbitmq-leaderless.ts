import { flowBesideLeaderless } from '../rabbitmq/scenarios/leaderless.ts'
import { rabbitmq } from '../servers/rabbitmq.ts'
import type { LongPart } from './part.ts'

/** RMQ-4: a queue that costs the connection (541), as a real broker makes one. */
export const rabbitmqLeaderless: LongPart = {
  name: 'rabbitmq-leaderless',
  about:
    'A quorum queue that came back from kill -9 without a process answers its consume with nothing, or with the end of the connection (541): it is set apart, and its neighbour goes on.',
  steps: 10,
  open: async () => {
    const server = await rabbitmq.single()
    return {
      step: async () => {
        const { apartMs, how } = await flowBesideLeaderless(server)
        return `set apart after ${apartMs} ms (${how})`
      },
      close: () => server.stop(),
    }
  },
}
