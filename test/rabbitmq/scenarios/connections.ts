import { setTimeout as pause } from 'node:timers/promises'
import type { Door } from '../../../packages/rabbitmq-connector/test/real/door.ts'
import type { Report } from '../../ledger/report.ts'
import type { Connector } from '../../processes/connector.ts'
import { waitUntil } from '../../processes/wait-until.ts'
import type { RabbitmqAddresses, RabbitmqAdmin } from '../../servers/rabbitmq.ts'
import { RabbitmqRun, type RunOptions } from '../kit/run.ts'

/**
 * Calls of 0 to 40 ms, and every fourth one fails the first time and waits in a delay queue of one second: both connections have work at
 * any time.
 */
export const busy: Pick<RunOptions, 'behaviour' | 'delays' | 'env'> = {
  behaviour: [{ every: 4, attemptUpTo: 1, status: 500 }, { delayMs: [0, 40] }],
  delays: ['1s'],
  env: { retry_min_wait: '5s', retry_max_wait: '5s', retry_jitter: 'none' },
}

type Broker = RabbitmqAddresses & RabbitmqAdmin

/** A run whose connector comes through `port`, with the name of its queue on its connections. */
export const openThrough = async (
  broker: Broker,
  ports: readonly number[],
  options: Partial<RunOptions> & { readonly env?: Readonly<Record<string, string>> } = {},
): Promise<{ readonly run: RabbitmqRun; start(): Promise<Connector> }> => {
  const { env, ...rest } = options
  const run = await RabbitmqRun.open({ ...busy, broker, ...rest, env: { ...busy.env, ...env } })
  const hosts = ports.map((port) => `127.0.0.1:${port}`).join(',')
  return { run, start: () => run.start({ rabbitmq_hosts: hosts, rabbitmq_connection_name: run.queue }) }
}

export const statusOf = async (connector: Connector, path: string): Promise<number> => (await connector.get(path)).status

/** Waits until `/readyz` says 503; milliseconds. */
export const notReady = async (connector: Connector, timeoutMs = 30_000): Promise<number> => {
  const since = performance.now()
  const look = async (): Promise<boolean> => (await statusOf(connector, '/readyz')) === 503
  await waitUntil(look, { timeoutMs, what: () => `readyz to be false\n${connector.output().slice(-3000)}` })
  return Math.round(performance.now() - since)
}

/** Waits until it is ready; milliseconds. */
export const readyAgain = async (connector: Connector, timeoutMs = 60_000): Promise<number> => {
  const since = performance.now()
  await connector.ready(timeoutMs)
  return Math.round(performance.now() - since)
}

/** How often a connection with work on it was lost. */
const lossesOf = async (connector: Connector): Promise<number> => (await connector.metrics()).sum('millrace_rabbitmq_reconnects_total')

export interface FaultFigures {
  readonly events: number
  readonly duplicated: number
  readonly losses: number
  readonly faults: number
  /** From the end of the faults until `/readyz` says 200 again. */
  readonly backMs: number
  readonly problems: readonly string[]
}

/** One that comes again for each place of the prefetch and each lost connection, and a copy beside its original. */
export const boundOf = (run: RabbitmqRun, faults: number): number => 2 * run.prefetch * faults

const finish = async (run: RabbitmqRun, connector: Connector, faults: number): Promise<Omit<FaultFigures, 'backMs'>> => {
  await run.drained(180_000)
  const losses = await lossesOf(connector)
  const found: Report = await run.report({ duplicateBound: boundOf(run, Math.max(faults, losses)), metrics: await connector.metrics() })
  const missing = found.succeeded === found.confirmed ? [] : [`${found.succeeded} succeeded of ${found.confirmed}`]
  return { events: found.confirmed, duplicated: found.duplicated, losses, faults, problems: [...found.problems, ...missing] }
}

/** The names of a run's connections that the broker has. */
const namesOf = async (broker: Broker, run: RabbitmqRun): Promise<readonly string[]> =>
  (await broker.connections()).flatMap(({ clientName }) =>
    clientName.startsWith(`${run.queue} `) ? [clientName.slice(run.queue.length + 1)] : [],
  )

/**
 * The broker ends the connections again and again (what `DELETE /api/connections/NAME` does), by turns both, that of retries, that of
 * consuming. Nothing of the ones before may be left in the end.
 */
export const closedAgainAndAgain = async (
  broker: Broker,
  port: number,
  times: { readonly forMs: number; readonly everyMs: number },
): Promise<FaultFigures> => {
  const { run, start } = await openThrough(broker, [port])
  await using _ = run
  const connector = await start()
  await connector.ready(60_000)
  const load = run.load({ perSecond: 30 })
  await run.waitForSuccesses(30, 60_000)
  const end = performance.now() + times.forMs
  let faults = 0
  for (let round = 0; performance.now() < end; round++) {
    const which = ['', ' publish', ' consume', ''][round % 4] ?? ''
    faults += await broker.closeConnections(new RegExp(`^${run.queue}${which}`))
    await pause(times.everyMs)
  }
  const backMs = await readyAgain(connector)
  const before = run.succeeded().size
  await run.waitForSuccesses(before + 30, 60_000)
  await load.finish()
  const found = await finish(run, connector, faults)
  let names: readonly string[] = []
  await waitUntil(async () => (names = await namesOf(broker, run)).length === 2, {
    timeoutMs: 20_000,
    everyMs: 500,
    what: () => `two connections; there are ${names.join(', ')}`,
  })
  return { ...found, backMs }
}

/** The connections are reset, each new one as well after a time that grows: in the handshake, in the set-up, with retries under way. */
export const resetEverywhere = async (
  broker: Broker,
  door: Door,
  afterMs: readonly number[],
  forMs: number,
): Promise<FaultFigures & { readonly attempts: number }> => {
  const { run, start } = await openThrough(broker, [door.port], { env: { rabbitmq_max_reconnect_delay: '100ms' } })
  await using _ = run
  const connector = await start()
  await connector.ready(60_000)
  const load = run.load({ perSecond: 30 })
  await run.waitForSuccesses(30, 60_000)
  const first = door.connections
  let faults = 0
  const reset = (): void => {
    faults += 1
    door.reset()
  }
  for (const after of afterMs) {
    door.onConnection = () => void setTimeout(reset, after)
    reset()
    await pause(forMs)
  }
  door.onConnection = undefined
  const attempts = door.connections - first
  const backMs = await readyAgain(connector)
  const before = run.succeeded().size
  await run.waitForSuccesses(before + 30, 60_000)
  await load.finish()
  return { ...(await finish(run, connector, faults)), backMs, attempts }
}

/**
 * Nothing passes any more, and nobody is told. With `beforeMs` the connections are ended first, so that the hole opens while they are being
 * made anew.
 */
export const blackHole = async (
  broker: Broker,
  door: Door,
  times: { readonly forMs: number; readonly beforeMs?: readonly number[] },
): Promise<FaultFigures & { readonly noticedMs: number }> => {
  const { run, start } = await openThrough(broker, [door.port], { env: { rabbitmq_heartbeat: '1s', rabbitmq_connect_timeout: '1s' } })
  await using _ = run
  const connector = await start()
  await connector.ready(60_000)
  const load = run.load({ perSecond: 30 })
  await run.waitForSuccesses(30, 60_000)
  const since = performance.now()
  door.freeze()
  const noticedMs = await notReady(connector)
  if ((await statusOf(connector, '/livez')) !== 200) throw new Error('livez is false')
  await pause(times.forMs - (performance.now() - since))
  door.thaw()
  let backMs = await readyAgain(connector)
  for (const before of times.beforeMs ?? []) {
    door.reset()
    await pause(before)
    door.freeze()
    await pause(1500)
    door.thaw()
    backMs = Math.max(backMs, await readyAgain(connector))
  }
  await load.finish()
  return { ...(await finish(run, connector, 1 + (times.beforeMs?.length ?? 0))), backMs, noticedMs }
}
