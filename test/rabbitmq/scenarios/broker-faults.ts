import { setTimeout as pause } from 'node:timers/promises'
import type { Connector } from '../../processes/connector.ts'
import { waitUntil } from '../../processes/wait-until.ts'
import type { Alarm, QueueDepth, RabbitmqServer } from '../../servers/rabbitmq.ts'
import type { Proxy } from '../../servers/toxiproxy.ts'
import type { RabbitmqRun } from '../kit/run.ts'
import type { Beside } from './brokers.ts'
import { openThrough, readyAgain } from './connections.ts'

/** Resident memory in MiB. */
const memoryOf = async (connector: Connector): Promise<number> =>
  Math.round((await connector.metrics()).sum('millrace_process_resident_memory_bytes') / 1024 / 1024)

const gauge = async (connector: Connector, name: string): Promise<number> => (await connector.metrics()).sum(`millrace_rabbitmq_${name}`)

export interface AlarmFigures {
  /** When the alarm ended, and in the end. */
  readonly succeededBefore: number
  readonly succeeded: number
  /** Messages that the connector held when the alarm ended. */
  readonly heldAtLast: number
  readonly memoryMiB: readonly [before: number, after: number]
  readonly blockedSeconds: number
  readonly problems: readonly string[]
}

/** Four seconds of work: an alarm comes in its middle. */
export const backlog = 800

/** What the broker has, in the work queue and in the delay queue, and what the function has had. */
const stateOf = async (
  server: RabbitmqServer,
  run: RabbitmqRun,
): Promise<{ readonly ready: number; readonly messages: number; readonly succeeded: number }> => {
  const [work, tier] = await Promise.all([server.depth(run.queue), server.depth(run.tierQueues[0] ?? '')])
  const sum = (depth: QueueDepth | undefined): number => (depth?.ready ?? 0) + (depth?.unacked ?? 0)
  return { ready: work?.ready ?? 0, messages: sum(work) + sum(tier), succeeded: run.succeeded().size }
}

/**
 * An alarm in the middle of a backlog with retries under way, that lasts `forMs`; with `restart` the connector starts under it. What is in
 * flight is acknowledged, nothing new is begun, retries wait, and it goes on afterwards.
 */
export const underAlarm = async (
  server: RabbitmqServer,
  which: Alarm,
  options: { readonly forMs: number; readonly restart?: boolean },
): Promise<AlarmFigures> => {
  const { run, start } = await openThrough(server, [server.port], {
    prefetch: 20,
    behaviour: [{ every: 4, attemptUpTo: 1, status: 500 }, { delayMs: [40, 120] }],
  })
  await using _ = run
  // The alarm stops the test's own publishing too.
  await run.publish(backlog)
  let connector = await start()
  await run.waitForSuccesses(100, 60_000)
  if (options.restart === true) await connector.stop()
  const memoryBefore = await (options.restart === true ? 0 : memoryOf(connector))
  await server.alarm(which, true)
  try {
    if (options.restart === true) connector = await start()
    const blocked = async (): Promise<boolean> => (await gauge(connector, 'blocked')) === 1
    // The broker blocks a connection when it publishes.
    await waitUntil(blocked, { timeoutMs: 20_000, what: () => `the connection to be blocked\n${connector.output().slice(-3000)}` })
    const told = connector.logs().find(({ code }) => code === 'E_RABBITMQ_BLOCKED')
    if (!String(told?.['fix']).includes('rabbitmq-diagnostics alarms')) throw new Error(`what to do is not said: ${JSON.stringify(told)}`)
    await pause(options.forMs)
    const [atEnd, heldAtLast, memoryAfter] = [
      await stateOf(server, run),
      await gauge(connector, 'inflight_messages'),
      await memoryOf(connector),
    ]
    await pause(500)
    const begun = atEnd.ready - (await stateOf(server, run)).ready
    await server.alarm(which, false)
    await run.waitForSuccesses(backlog, 60_000)
    await run.drained(60_000)
    const metrics = await connector.metrics()
    const found = await run.report({ metrics })
    const problems = [
      ...found.problems,
      ...(begun > 0 ? [`${begun} were begun under the alarm`] : []),
      ...(atEnd.messages === backlog - atEnd.succeeded ? [] : [`acknowledgements are missing: ${JSON.stringify(atEnd)}`]),
    ]
    const blockedSeconds = metrics.sum('millrace_rabbitmq_blocked_seconds_total')
    return {
      succeededBefore: atEnd.succeeded,
      succeeded: found.succeeded,
      heldAtLast,
      memoryMiB: [memoryBefore, memoryAfter],
      blockedSeconds,
      problems,
    }
  } finally {
    await server.alarm(which, false)
  }
}

export interface CopyFigures {
  readonly copies: number
  readonly duplicated: number
  readonly calls: number
  readonly problems: readonly string[]
}

/**
 * Every message fails the first time; the broker is killed with -9 when it has copies of which no confirm has come back, and started again.
 * The original comes again, whether its copy is there or not.
 */
export class UnconfirmedCopies implements AsyncDisposable, Beside {
  readonly #server: RabbitmqServer
  readonly #proxy: Proxy
  readonly #run: RabbitmqRun
  readonly #connector: Connector
  /** Once the broker is back. */
  figures: CopyFigures | undefined
  #copies = 0

  private constructor(server: RabbitmqServer, proxy: Proxy, run: RabbitmqRun, connector: Connector) {
    this.#server = server
    this.#proxy = proxy
    this.#run = run
    this.#connector = connector
  }

  static async open(server: RabbitmqServer, proxy: Proxy): Promise<UnconfirmedCopies> {
    const { run, start } = await openThrough(server, [proxy.port], {
      behaviour: [{ attemptUpTo: 1, status: 500 }],
      env: { breaker_function_open: '100ms', rabbitmq_heartbeat: '10s' },
    })
    const connector = await start()
    await connector.ready()
    return new UnconfirmedCopies(server, proxy, run, connector)
  }

  /** Resolves when the broker has a copy, and everything on its way back still takes long: the moment to kill it. */
  async before(): Promise<void> {
    const run = this.#run
    await this.#proxy.add({ type: 'latency', latencyMs: 1500 })
    await run.publish(run.prefetch)
    await waitUntil(async () => (this.#copies = (await this.#server.depth(run.tierQueues[0] ?? ''))?.ready ?? 0) > 0, {
      timeoutMs: 30_000,
      everyMs: 5,
      what: () => `a copy\n${this.#connector.output().slice(-3000)}`,
    })
  }

  async whileDown(): Promise<void> {
    await this.#proxy.heal()
  }

  async whenBack(): Promise<void> {
    const run = this.#run
    await readyAgain(this.#connector)
    await run.waitForSuccesses(run.prefetch, 60_000)
    await run.drained(60_000)
    const metrics = await this.#connector.metrics()
    const found = await run.report({ duplicateBound: run.prefetch, metrics })
    const again = metrics.sum('millrace_rabbitmq_redelivered_total')
    const problems = again > 0 ? found.problems : [...found.problems, 'no original came again']
    this.figures = { copies: this.#copies, duplicated: found.duplicated, calls: found.calls, problems }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#run[Symbol.asyncDispose]()
  }
}

/** How long the broker waits before it offers an expired message again to a queue that was not there. */
export const offerAgain = (server: RabbitmqServer, ms: number): Promise<string> =>
  server.evaluate(`application:set_env(rabbit, dead_letter_worker_publisher_confirm_timeout, ${ms})`)

/** Messages that a quorum queue holds because they cannot be dead-lettered: neither ready nor unacknowledged. */
const expiredIn = async (server: RabbitmqServer, queue: string): Promise<number> => {
  const name = `<<${[...Buffer.from(queue)].join(',')}>>`
  const answer = await server.evaluate(`
    {ok, Q} = rabbit_amqqueue:lookup(rabbit_misc:r(<<"/">>, queue, ${name})),
    {ok, Of, _} = ra:consistent_query(amqqueue:get_pid(Q), fun rabbit_fifo:overview/1),
    maps:get(num_discarded, Of) + maps:get(num_discard_checked_out, Of)`)
  return Number(answer)
}

/**
 * Retries expire in their delay queue while their work queue is gone: they stay there, and arrive when it is back and the broker offers them
 * again.
 */
export const expiresIntoNothing = async (
  server: RabbitmqServer,
  timeoutMs: number,
): Promise<{ readonly kept: number; readonly arrivedMs: number; readonly problems: readonly string[] }> => {
  const events = 20
  const { run, start } = await openThrough(server, [server.port], { behaviour: [{ attemptUpTo: 1, status: 500 }], delays: ['3s'] })
  await using _ = run
  const tier = run.tierQueues[0] ?? ''
  const connector = await start()
  await connector.ready()
  await run.publish(events)
  await waitUntil(async () => (await server.depth(tier))?.ready === events, {
    timeoutMs: 30_000,
    everyMs: 20,
    what: () => `copies of all\n${connector.output().slice(-3000)}`,
  })
  await connector.stop()
  await server.deleteQueue(run.queue)
  await pause(4000)
  const kept = await expiredIn(server, tier)
  await server.declareQueue(run.queue)
  const since = performance.now()
  const second = await start()
  await second.ready()
  await run.waitForSuccesses(events, timeoutMs)
  const arrivedMs = Math.round(performance.now() - since)
  await run.drained(60_000)
  const found = await run.report({ duplicateBound: events, metrics: await second.metrics() })
  return { kept, arrivedMs, problems: found.problems }
}
