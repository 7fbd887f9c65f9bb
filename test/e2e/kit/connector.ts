import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readLetters } from '@millrace/sdk'
import type { DeadLetter } from '@millrace/sdk'
import { expect } from 'vitest'
import type { Exit } from '../../processes/child.ts'
import { type Connector, startConnector } from '../../processes/connector.ts'
import { atEnd, tempFolder, until } from './scope.ts'
import { type Answer, send, type SendOptions } from './send.ts'

export interface ConnectorSetup {
  readonly gatewayUrl: string
  /** Settings by their environment names; they win over those of `quick`. */
  readonly env?: Readonly<Record<string, string>>
  /** Of an earlier run. @default a new one, removed when the test ends */
  readonly folder?: string
}

/** A connector's program in a process of its own, seen from outside only. It is gone when the test ends. */
export interface TestedConnector extends Omit<Connector, 'get' | 'metrics' | 'stop' | typeof Symbol.asyncDispose> {
  readonly folder: string
  /** `GET` of the admin server. */
  admin(path: string): Promise<Answer>
  /** The reasons of `/readyz`; empty when ready. */
  notReady(): Promise<readonly string[]>
  /** Sum of a metric over the label sets that contain `labels`. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>
  /** Everything in its dead letters. */
  letters(): Promise<readonly DeadLetter[]>
  /** Waits until nothing is in flight, and checks the books: received = acked + dead + released. */
  settled(withinMs?: number): Promise<void>
  /** SIGTERM; resolves with how it ended. */
  stop(): Promise<Exit>
}

/** The HTTP source's program. */
export interface HttpConnector extends TestedConnector {
  /** `http://127.0.0.1:PORT/topics/`. */
  readonly eventsUrl: string
  /** @param path `TOPIC` or `TOPIC?wait=true` */
  publish(path: string, body?: string | Uint8Array, options?: SendOptions & { readonly id?: string }): Promise<Answer>
  /** The same program over the same folder, once this one is gone. */
  again(env?: Readonly<Record<string, string>>): Promise<HttpConnector>
}

/** The cron connector's program. */
export interface CronConnector extends TestedConnector {
  again(env?: Readonly<Record<string, string>>): Promise<CronConnector>
}

/** Short times, so that a test meets many retries and probes; what they lead to is the product's own. */
const quick = {
  rebuild_interval: '100ms',
  retry_min_wait: '20ms',
  retry_max_wait: '200ms',
  breaker_function_open: '200ms',
  breaker_gateway_open: '200ms',
}

const mainOf = (name: string): string => fileURLToPath(new URL(`../../../packages/${name}/dist/main.js`, import.meta.url))

const lettersIn = async (folder: string): Promise<DeadLetter[]> => {
  const found: DeadLetter[] = []
  for await (const { letter } of readLetters(join(folder, 'letters'))) found.push(letter)
  return found
}

const start = async (name: string, setup: ConnectorSetup, more: Readonly<Record<string, string>>): Promise<TestedConnector> => {
  const folder = setup.folder ?? tempFolder()
  const storage = { state_dir: join(folder, 'state'), dead_letter_dir: join(folder, 'letters') }
  const process = await startConnector({
    main: mainOf(name),
    env: { ...quick, ...storage, gateway_url: setup.gatewayUrl, ...more, ...setup.env },
  })
  atEnd(() => process.kill9())
  const admin = (path: string): Promise<Answer> => send(`${process.adminUrl}${path}`, undefined)
  const metric: TestedConnector['metric'] = async (metricName, labels) => (await process.metrics()).sum(metricName, labels)
  const { pid, adminUrl, exited, ready, output, logs, kill9, terminate, pause, resume } = process
  return {
    pid,
    adminUrl,
    exited,
    ready,
    output,
    logs,
    kill9,
    terminate,
    pause,
    resume,
    get running() {
      return process.running
    },
    folder,
    admin,
    metric,
    notReady: async () => (await admin('/readyz')).json()['reasons'] as readonly string[],
    letters: () => lettersIn(folder),
    settled: async (withinMs) => {
      const drift = await metric('millrace_conservation_drift')
      await until(
        'nothing is in flight',
        () => metric('millrace_inflight_events'),
        (count) => count === 0,
        withinMs,
      )
      expect([drift, await metric('millrace_conservation_drift'), await metric('millrace_ack_failures_total')]).toEqual([0, 0, 0])
    },
    stop: () => process.stop(),
  }
}

/** The address that it takes events at, from its log. */
const eventsUrlOf = ({ logs }: TestedConnector): string => {
  const said = logs().find((line) => line['msg'] === 'events are taken once the functions are known')
  if (typeof said?.['url'] !== 'string') throw new Error('the HTTP source did not say where it listens')
  return said['url']
}

/** Starts the HTTP source's program; `ready()` waits for its first list. */
export const startHttp = async (setup: ConnectorSetup): Promise<HttpConnector> => {
  const connector = await start('http-source', setup, { events_port: '0' })
  const eventsUrl = eventsUrlOf(connector)
  // The accessor of the connector stays one.
  return Object.defineProperties({} as HttpConnector, {
    ...Object.getOwnPropertyDescriptors(connector),
    ...Object.getOwnPropertyDescriptors({
      eventsUrl,
      publish: (path: string, body: string | Uint8Array = '', options: SendOptions & { readonly id?: string } = {}) => {
        const { id, rawHeaders = [], ...rest } = options
        return send(`${eventsUrl}${path}`, body, {
          ...rest,
          rawHeaders: id === undefined ? rawHeaders : ['Idempotency-Key', id, ...rawHeaders],
        })
      },
      again: async (env?: Readonly<Record<string, string>>) => {
        await connector.exited
        return startHttp({ ...setup, folder: connector.folder, env: { ...setup.env, ...env } })
      },
    }),
  })
}

/** Starts the cron connector's program. */
export const startCron = async (setup: ConnectorSetup): Promise<CronConnector> => {
  const connector = await start('cron-connector', setup, {})
  return Object.defineProperties({} as CronConnector, {
    ...Object.getOwnPropertyDescriptors(connector),
    ...Object.getOwnPropertyDescriptors({
      again: async (env?: Readonly<Record<string, string>>) => {
        await connector.exited
        return startCron({ ...setup, folder: connector.folder, env: { ...setup.env, ...env } })
      },
    }),
  })
}
