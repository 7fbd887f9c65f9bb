import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Child } from '../../processes/child.ts'
import { waitUntil } from '../../processes/wait-until.ts'
import { TestBedError } from '../test-bed-error.ts'
import { startJava } from '../tools.ts'
import type { Proxy } from '../toxiproxy.ts'
import { brokersSeenBy } from './admin.ts'
import { logProperties } from './properties.ts'

/** One broker, and what may happen to it. Its ports and its data stay the same over all of it. */
export interface Broker {
  readonly nodeId: number
  /** Of the process that runs, or that ran last. */
  readonly pid: number
  readonly running: boolean
  /** `127.0.0.1:PORT` of the plain door. */
  readonly address: string
  /** The proxy in front of the door `proxied`, when there is one. */
  readonly proxy: Proxy | undefined
  /** SIGTERM, and waits: leadership moves first. SIGKILL after `graceMs`. @default 30000 */
  stop(graceMs?: number): Promise<void>
  kill9(): Promise<void>
  /** Starts it after `stop` or `kill9` and waits until it is ready. */
  start(): Promise<void>
  /** `stop` and `start`. */
  restart(): Promise<void>
  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): void
  /** SIGCONT. */
  resume(): void
  /** The end of what it wrote since its last start. */
  log(): string
}

export interface BrokerInput {
  readonly nodeId: number
  readonly address: string
  readonly proxy: Proxy | undefined
  /** With `server.properties` and formatted data. */
  readonly folder: string
  readonly jars: string
  readonly heapMb: number
  readonly logLevel: 'info' | 'warn'
  readonly compiler: 'full' | 'quick'
  /** Of `class-archive.ts`. */
  readonly classFlags: readonly string[]
}

const readyTimeoutMs = 120_000

/** A broker that does not run yet. Its folder must be ready before `start`. */
export const createBroker = (input: BrokerInput): Broker => {
  const logging = join(input.folder, 'log4j2.properties')
  const quick = input.compiler === 'quick' ? ['-XX:TieredStopAtLevel=1'] : []
  const jvm = [...quick, '-XX:+UseSerialGC', ...input.classFlags, `-Dlog4j2.configurationFile=${logging}`, '-cp', `${input.jars}/*`]
  let child: Child | undefined

  const awaitReady = async (started: Child): Promise<void> => {
    const look = async (): Promise<boolean> => !started.running || (await brokersSeenBy(input.address)).includes(input.nodeId)
    try {
      await waitUntil(look, { timeoutMs: readyTimeoutMs, everyMs: 100, what: 'an answer' })
      if (!started.running) throw new Error('it ended')
    } catch (error) {
      await started.kill9()
      throw new TestBedError(
        'E_TESTBED_BROKER',
        { what: `Kafka node ${input.nodeId}`, reason: (error as Error).message },
        started.output(),
        error,
      )
    }
  }

  const start = async (): Promise<void> => {
    if (child?.running === true) return
    writeFileSync(logging, logProperties(input.logLevel))
    const heap = ['-Xms64m', `-Xmx${input.heapMb}m`]
    child = await startJava([...heap, ...jvm, 'kafka.Kafka', join(input.folder, 'server.properties')])
    await awaitReady(child)
  }

  const stop = async (graceMs = 30_000): Promise<void> => {
    child?.signal('SIGCONT')
    await child?.stop(graceMs)
  }

  return {
    nodeId: input.nodeId,
    get pid() {
      return child?.pid ?? 0
    },
    get running() {
      return child?.running === true
    },
    address: input.address,
    proxy: input.proxy,
    stop,
    kill9: async () => void (await child?.kill9()),
    start,
    restart: async () => {
      await stop()
      await start()
    },
    pause: () => void child?.signal('SIGSTOP'),
    resume: () => void child?.signal('SIGCONT'),
    log: () => child?.output() ?? '',
  }
}
