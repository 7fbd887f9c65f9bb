import { waitUntil } from '../../processes/wait-until.ts'
import type { Connector } from '../../processes/connector.ts'
import type { Broker, KafkaCluster } from '../../servers/kafka.ts'
import { KafkaRun } from '../kit/run.ts'

export interface BrokerFigures {
  readonly events: number
  readonly duplicated: number
  /** The longest time without any call, and without a call of one partition, since the fault. */
  readonly gapMs: { readonly overall: number; readonly partition: number }
  readonly joins: number
}

const window = 200
const partitions = 6

const openRun = (cluster: KafkaCluster): Promise<KafkaRun> =>
  KafkaRun.open({
    brokers: cluster.bootstrap,
    partitions,
    keys: 60,
    behaviour: [{ delayMs: [0, 40] }],
    env: { queue_window: String(window), kafka_request_timeout: '5s' },
  })

/** `faults`: how often a member may have been lost with all that it had. */
const judge = async (run: KafkaRun, connector: Connector, since: number, faults: number): Promise<BrokerFigures> => {
  if (!connector.running) throw new Error(`the connector ended:\n${connector.output()}`)
  const gapMs = run.longestGapMs(since)
  const metrics = await connector.metrics()
  const found = await run.report({ duplicateBound: faults * partitions * window, metrics })
  if (found.problems.length > 0) throw new Error(found.problems.join('; '))
  return { events: found.confirmed, duplicated: found.duplicated, gapMs, joins: metrics.sum('millrace_kafka_rebalances_total') }
}

/** What else is done and looked at while brokers are away, and when they are back. */
export interface Beside {
  /** Before a broker is killed or stopped. */
  readonly before?: (victim: Broker) => Promise<void>
  readonly whileDown?: () => Promise<void>
  readonly whenBack?: () => Promise<void>
}

/** Kills the broker that leads the group, and others, with -9; brings it back; then another one goes and comes in good order. */
export const killAndRoll = async (cluster: KafkaCluster, beside: Beside = {}): Promise<BrokerFigures> => {
  await using run = await openRun(cluster)
  const connector = await run.start()
  await connector.ready(60_000)
  const load = run.load({ perSecond: 60 })
  await run.waitForSuccesses(100, 60_000)
  const coordinator = await cluster.leaderOf('__consumer_offsets')
  await beside.before?.(coordinator)
  const since = Date.now()
  await coordinator.kill9()
  const before = run.succeeded().size
  await run.waitForSuccesses(before + 120, 60_000)
  await beside.whileDown?.()
  await coordinator.start()
  await beside.whenBack?.()
  const other = cluster.brokers.find((broker) => broker !== coordinator) as Broker
  await beside.before?.(other)
  await other.restart()
  await load.finish()
  await run.drained(60_000)
  return await judge(run, connector, since, 4)
}

/** All brokers go, one after the other, and come again: the connector stays, and says of itself that it lives and is not ready. */
export const allGone = async (cluster: KafkaCluster, beside: Beside = {}): Promise<BrokerFigures> => {
  await using run = await openRun(cluster)
  const connector = await run.start()
  await connector.ready(60_000)
  const load = run.load({ perSecond: 60 })
  await run.waitForSuccesses(100, 60_000)
  const since = Date.now()
  for (const broker of cluster.brokers) await broker.kill9()
  const status = async (path: string): Promise<number> => (await connector.get(path)).status
  await waitUntil(async () => (await status('/readyz')) === 503, { timeoutMs: 60_000, what: 'readyz to be false' })
  if ((await status('/livez')) !== 200) throw new Error('livez must not look at brokers')
  if (!connector.output().includes('E_KAFKA_UNREACHABLE')) throw new Error(`it does not say why:\n${connector.output().slice(-3000)}`)
  await beside.whileDown?.()
  await Promise.all(cluster.brokers.map((broker) => broker.start()))
  await waitUntil(async () => (await status('/readyz')) === 200, {
    timeoutMs: 60_000,
    what: () => `readyz to be true:\n${connector.output().slice(-3000)}`,
  })
  const before = run.succeeded().size
  await run.waitForSuccesses(before + 100, 60_000)
  await beside.whenBack?.()
  await load.finish()
  await run.drained(60_000)
  return await judge(run, connector, since, 2)
}
