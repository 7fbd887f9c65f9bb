import type { Benchmark } from '../lib/benchmark.ts'
import { median } from '../lib/median.ts'
import { startBenchRabbitmq, type BenchBroker } from '../lib/rabbitmq/bench-broker.ts'
import { rabbitmqConnector } from '../lib/rabbitmq/rabbitmq-connector.ts'
import { eagerAck, portOpened } from '../lib/rabbitmq/recovery.ts'
import { startServer } from '../lib/start-server.ts'

/** The connector's longest wait between two attempts to connect, by default. */
const longestWaitMs = 5000
const perRound = 4000

/** Stops the broker, leaves it away for a while, and starts it. Gives the milliseconds from its open port to the first acknowledgements. */
const restart = async (
  { server }: BenchBroker,
  other: string,
  nextAck: () => Promise<number>,
): Promise<{ ours: number; eager: number }> => {
  await server.broker.stop()
  const watching = new AbortController()
  const opened = portOpened(server.port, watching.signal)
  const ours = nextAck()
  const eager = eagerAck(server.url(), other, watching.signal)
  const all = Promise.all([opened, ours, eager])
  try {
    await server.broker.start()
    const [openedAt, oursAt, eagerAt] = await all
    return { ours: oursAt - openedAt, eager: eagerAt - openedAt }
  } catch (error) {
    watching.abort()
    await all.catch(() => undefined)
    throw error
  }
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`

export const rabbitmqRestart: Benchmark = {
  name: 'rabbitmq-restart',
  about: `a RabbitMQ that is restarted under load: from its open port to the first acknowledgement, against the longest wait for a connection (${longestWaitMs / 1000} s)`,
  goal: { atMost: 1 },
  async run(quick) {
    const rounds = quick ? 3 : 10
    await using broker = await startBenchRabbitmq()
    // More than is worked off before the last restart: there is always something to acknowledge.
    const queue = await broker.fill({ count: perRound * (rounds + 1), type: 'quorum' })
    const other = await broker.fill({ count: rounds + 1, type: 'quorum' })
    await using functions = await startServer({ slow: { topic: queue } }, 100)
    let onAck: ((at: number) => void) | undefined
    const nextAck = (): Promise<number> => new Promise((resolve) => (onAck = resolve))
    const observer = { acknowledged: () => onAck?.(performance.now()) }
    const connector = rabbitmqConnector({ broker: broker.server, gatewayUrl: functions.url, concurrency: 10, observer })
    const first = nextAck()
    await connector.start()
    await first
    const times: { ours: number; eager: number }[] = []
    for (let round = 0; round < rounds; round += 1) {
      times.push(await restart(broker, other, nextAck))
    }
    await connector.stop()
    const ours = times.map((time) => time.ours)
    const eager = median(times.map((time) => time.eager))
    const notes = [
      `${rounds} restarts: median ${seconds(median(ours))}, fastest ${seconds(Math.min(...ours))}, slowest ${seconds(Math.max(...ours))}`,
      `a client that tries without a pause: ${seconds(eager)}; the function itself takes 0.10 s`,
    ]
    return { ours: Math.max(...ours) / 1000, baseline: longestWaitMs / 1000, unit: 's', notes }
  },
}
