import { connect } from 'node:net'
import type { Child } from '../../processes/child.ts'
import { startChild } from '../../processes/child.ts'
import { waitUntil } from '../../processes/wait-until.ts'
import { TestBedError } from '../test-bed-error.ts'
import { rabbitmqEnvironment, type RabbitmqPorts } from './config.ts'
import { evaluate, startEpmd, type ErlangNode } from './erlang.ts'
import type { Installation } from './install.ts'

export interface BrokerInput {
  readonly installation: Installation
  readonly node: ErlangNode
  readonly ports: RabbitmqPorts
  /** With `rabbitmq.conf`, certificates and cookie. */
  readonly folder: string
}

/** The process of a broker, and what may happen to it. Its ports and its data stay the same over all of it. */
export interface RabbitmqBroker {
  /** Of the process that runs, or that ran last. */
  readonly pid: number
  readonly running: boolean
  /** Of its port mapper, which is ours and stays over restarts. */
  readonly epmdPid: number
  /** With its data. */
  readonly folder: string
  /** SIGTERM, and waits: about 2 s. SIGKILL after 30 s. */
  stop(): Promise<void>
  kill9(): Promise<void>
  /** Starts it after `stop` or `kill9` and waits until all its doors are open. */
  start(): Promise<void>
  /** `stop` and `start`. */
  restart(): Promise<void>
  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): void
  /** SIGCONT. */
  resume(): void
  /** The end of what it wrote since its last start. */
  log(): string
  /** Ends all that was started, at once: after it there is no `start`. */
  close(): Promise<void>
}

const readyTimeoutMs = 120_000

/** In a root folder of its own the broker sees its data here. */
const mountedFolder = '/mnt'

/** Where the broker sees `folder`. */
export const folderOf = ({ root }: Installation, folder: string): string => (root === undefined ? folder : mountedFolder)

const shell = (words: readonly string[]): string => words.map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(' ')

/** A private mount namespace, which is gone with the process: nothing stays mounted, whatever ends it. */
const inRoot = (root: string, folder: string, command: string): readonly string[] => {
  const mounts = [
    ['mount', '-t', 'proc', 'proc', `${root}proc`],
    ['mount', '-t', 'tmpfs', 'tmpfs', `${root}tmp`],
    ['mount', '--bind', folder, `${root}${mountedFolder.slice(1)}`],
  ]
  return ['-m', 'sh', '-c', [...mounts, ['exec', 'chroot', root, command]].map((words) => shell(words)).join(' && ')]
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const done = (open: boolean): void => {
      socket.destroy()
      resolve(open)
    }
    socket.once('connect', () => done(true))
    socket.once('error', () => done(false))
  })

/** The configuration knows one set of TLS options for all listeners; this listener differs in one of them. */
const openMtls = (port: number): string => {
  const options = 'lists:keystore(fail_if_no_peer_cert, 1, rabbit_networking:ensure_ssl(), {fail_if_no_peer_cert, true})'
  return `rabbit_networking:start_ssl_listener({"127.0.0.1", ${port}, auto}, ${options}, 2)`
}

/** A broker that does not run yet. Its folder must be ready before `start`. */
export const createBroker = ({ installation, node, ports, folder }: BrokerInput): RabbitmqBroker => {
  const seen = folderOf(installation, folder)
  const env = rabbitmqEnvironment({ node: node.name, ports, folder: seen })
  let child: Child | undefined
  let epmd: Child | undefined

  const spawn = (): Promise<Child> => {
    const { program, root } = installation
    if (root === undefined) return startChild({ command: program, args: [], env, cwd: folder })
    return startChild({ command: 'unshare', args: inRoot(root, folder, program), env, cwd: '/' })
  }

  const look = async (started: Child): Promise<boolean> => {
    if (!started.running) throw new Error('it ended')
    // The management API opens before the broker does its work, and the AMQP doors last.
    return (await accepts(ports.amqp)) && (await accepts(ports.tls)) && (await accepts(ports.management))
  }

  const start = async (): Promise<void> => {
    if (child?.running === true) return
    if (epmd?.running !== true) epmd = await startEpmd(ports.epmd)
    const started = await spawn()
    child = started
    try {
      await waitUntil(() => look(started), { timeoutMs: readyTimeoutMs, everyMs: 50, what: 'its ports' })
      await evaluate(node, openMtls(ports.mtls))
    } catch (error) {
      await started.kill9()
      throw new TestBedError(
        'E_TESTBED_BROKER',
        { what: `RabbitMQ ${node.name}`, reason: (error as Error).message },
        started.output(),
        error,
      )
    }
  }

  const stop = async (): Promise<void> => {
    child?.signal('SIGCONT')
    await child?.stop(30_000)
  }

  const kill9 = async (): Promise<void> => void (await child?.kill9())

  return {
    get pid() {
      return child?.pid ?? 0
    },
    get running() {
      return child?.running === true
    },
    get epmdPid() {
      return epmd?.pid ?? 0
    },
    folder,
    stop,
    kill9,
    start,
    restart: async () => {
      await stop()
      await start()
    },
    pause: () => void child?.signal('SIGSTOP'),
    resume: () => void child?.signal('SIGCONT'),
    log: () => child?.output() ?? '',
    close: async () => {
      await kill9()
      await epmd?.kill9()
    },
  }
}
