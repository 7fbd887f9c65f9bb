import { setTimeout as pause } from 'node:timers/promises'
import type { Connector } from '../../processes/connector.ts'
import { waitUntil } from '../../processes/wait-until.ts'
import { KafkaRun } from '../kit/run.ts'

export interface StormOptions {
  readonly brokers: readonly string[]
  /** Each: from one member to `members` and back to one. */
  readonly waves: number
  readonly members: number
  /** Between two changes. */
  readonly everyMs: number
  /** @default 200 */
  readonly perSecond?: number
  readonly signal?: AbortSignal
}

export interface StormFigures {
  readonly events: number
  readonly joins: number
  readonly leaves: number
  readonly duplicated: number
  /** The longest time between two calls of the function, milliseconds. */
  readonly longestGapMs: number
}

/**
 * Members come and go while events arrive, all of them politely. Throws when an event is lost, out of order, or when more is repeated than
 * `queue_window` of each change allows.
 */
export const rebalanceStorm = async (options: StormOptions): Promise<StormFigures> => {
  const { brokers, waves, members, everyMs, perSecond = 200, signal } = options
  // Functions far shorter than the drain of 6 s, so that nothing has to be repeated.
  const env = { kafka_session_timeout: '10s', kafka_rebalance_timeout: '20s' }
  await using run = await KafkaRun.open({ brokers, partitions: 6, keys: 60, behaviour: [{ delayMs: [0, 60] }], env })
  const stay = await run.start()
  await stay.ready()
  const since = Date.now()
  const load = run.load({ perSecond })
  let joins = 1
  let leaves = 0
  for (let wave = 0; wave < waves && signal?.aborted !== true; wave++) {
    const guests: Connector[] = []
    for (let count = 1; count < members; count++) {
      guests.push(await run.start())
      joins++
      await pause(everyMs)
    }
    for (const guest of guests) {
      guest.terminate()
      const { code } = await guest.exited
      if (code !== 0) throw new Error(`a member ended with ${code}:\n${guest.output()}`)
      leaves++
      await pause(everyMs)
    }
  }
  await load.finish()
  await run.drained(60_000)
  const metrics = await stay.metrics()
  const found = await run.report({ duplicateBound: (joins + leaves) * 256, metrics })
  if (found.problems.length > 0) throw new Error(found.problems.join('; '))
  if (found.confirmed !== found.succeeded) throw new Error(`${found.confirmed} confirmed, ${found.succeeded} succeeded`)
  await waitUntil(async () => (await stay.metrics()).sum('millrace_kafka_lag_records') === 0, {
    timeoutMs: 40_000,
    everyMs: 200,
    what: 'no lag',
  })
  return { events: found.confirmed, joins, leaves, duplicated: found.duplicated, longestGapMs: run.longestGapMs(since).overall }
}
