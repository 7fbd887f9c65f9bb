import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Connector } from '../../processes/connector.ts'
import { waitUntil } from '../../processes/wait-until.ts'
import type { RabbitmqServer } from '../../servers/rabbitmq.ts'
import { RabbitmqRun } from '../kit/run.ts'

/** `kill9`: a crash. `stop`: in good order. Both come back after `downMs`. */
export interface BrokerFault {
  readonly how: 'kill9' | 'stop'
  /** @default 0 */
  readonly downMs?: number
  readonly beside?: Beside
}

/** What else the same fault is for. */
export interface Beside {
  /** Resolves at the moment at which the broker shall go. */
  before(): Promise<void>
  whileDown(): Promise<void>
  whenBack(): Promise<void>
}

export interface BrokerFigures {
  readonly queueType: 'classic' | 'quorum'
  readonly events: number
  readonly duplicated: number
  /** From the moment at which the broker's port opened to the next call of the function, milliseconds, for each fault. */
  readonly resumedMs: readonly number[]
}

const opens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const end = (open: boolean): void => {
      socket.destroy()
      resolve(open)
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
  })

/** When the port was open, epoch milliseconds. */
const openedAt = async (port: number): Promise<number> => {
  await waitUntil(() => opens(port), { timeoutMs: 120_000, everyMs: 10, what: `the port ${port}` })
  return Date.now()
}

const status = async (connector: Connector, path: string): Promise<number> => (await connector.get(path)).status

/** A connector, its load and its books. */
class Lane implements AsyncDisposable {
  readonly run: RabbitmqRun
  readonly connector: Connector
  readonly resumedMs: number[] = []
  #before = 0

  constructor(run: RabbitmqRun, connector: Connector) {
    this.run = run
    this.connector = connector
  }

  async sawItGo(): Promise<void> {
    const { connector } = this
    await waitUntil(async () => (await status(connector, '/readyz')) === 503, {
      timeoutMs: 30_000,
      what: () => `readyz to be false:\n${connector.output().slice(-3000)}`,
    })
    if ((await status(connector, '/livez')) !== 200) throw new Error('livez must not look at brokers')
    this.#before = this.run.succeeded().size
  }

  async resumed(portOpenAt: number): Promise<void> {
    const { connector, run } = this
    await connector.ready(60_000)
    await run.waitForSuccesses(this.#before + 60, 60_000)
    const first = run.invocations().find((record) => record.kind === 'start' && record.at >= portOpenAt)
    if (first === undefined) throw new Error('no call since the broker came back')
    this.resumedMs.push(first.at - portOpenAt)
  }

  async judge(queueType: BrokerFigures['queueType'], faults: number): Promise<BrokerFigures> {
    const { run, connector, resumedMs } = this
    await run.drained(60_000)
    if (!connector.running) throw new Error(`the connector ended:\n${connector.output()}`)
    const metrics = await connector.metrics()
    // A classic queue repeats what was acknowledged and was not on disk: measured, not bounded.
    const bound = queueType === 'quorum' ? faults * run.prefetch : Infinity
    const found = await run.report({ duplicateBound: bound, metrics })
    if (found.problems.length > 0) throw new Error(found.problems.join('; '))
    if (!connector.output().includes('E_RABBITMQ_UNREACHABLE')) throw new Error(`it does not say why:\n${connector.output().slice(-3000)}`)
    return { queueType, events: found.confirmed, duplicated: found.duplicated, resumedMs }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.run[Symbol.asyncDispose]()
  }
}

const openLane = async (broker: RabbitmqServer, queueType: BrokerFigures['queueType']): Promise<Lane> => {
  // The product's own, so that the time until it consumes again is.
  const env = { rabbitmq_heartbeat: '10s', rabbitmq_connect_timeout: '10s', rabbitmq_max_reconnect_delay: '5s' }
  const run = await RabbitmqRun.open({ broker, queueType, prefetch: 50, behaviour: [{ delayMs: [20, 200] }], env })
  const connector = await run.start()
  await connector.ready(60_000)
  run.load({ perSecond: 40 })
  await run.waitForSuccesses(50, 60_000)
  return new Lane(run, connector)
}

const goAndCome = async (server: RabbitmqServer, lanes: readonly Lane[], { how, downMs = 0, beside }: BrokerFault): Promise<void> => {
  // A queue that is younger than its registers on disk comes back broken: another fault, which has tests of its own.
  await server.settle()
  await beside?.before()
  await server.broker[how]()
  await beside?.whileDown()
  await Promise.all(lanes.map((lane) => lane.sawItGo()))
  await pause(downMs)
  const [portOpenAt] = await Promise.all([openedAt(server.port), server.broker.start()])
  await Promise.all(lanes.map((lane) => lane.resumed(portOpenAt)))
  await beside?.whenBack()
}

/**
 * The broker goes and comes back, time after time, under the load of a queue of each type. Throws when a message was lost or dead-lettered,
 * when more came again on a quorum queue than its prefetch for each fault, and when a connector ended or said nothing.
 */
export const breakBroker = async (server: RabbitmqServer, faults: readonly BrokerFault[]): Promise<readonly BrokerFigures[]> => {
  await using quorum = await openLane(server, 'quorum')
  await using classic = await openLane(server, 'classic')
  for (const fault of faults) await goAndCome(server, [quorum, classic], fault)
  await Promise.all([quorum, classic].map((lane) => lane.run.finishLoads()))
  return [await quorum.judge('quorum', faults.length), await classic.judge('classic', faults.length)]
}
