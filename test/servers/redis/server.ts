import { startChild, type Child } from '../../processes/child.ts'
import { scratchFolder } from '../../processes/reaper.ts'
import { waitUntil } from '../../processes/wait-until.ts'
import { debianProgram } from '../debian.ts'
import { reservePort } from '../ports.ts'
import { TestBedError } from '../test-bed-error.ts'
import type { Proxy, Toxiproxy } from '../toxiproxy.ts'
import { redisCommand, type RedisReply } from './command.ts'

export interface RedisOptions {
  /** What was acknowledged is there after kill -9 and `start` (with `appendfsync always`). @default false: the data go with the process */
  readonly appendonly?: boolean
  /** Asked of every client. */
  readonly password?: string
  /** A proxy in front: see `proxiedUrl` and `proxy`. */
  readonly toxiproxy?: Toxiproxy
  /** Added, e.g. `['--maxmemory', '2mb']`. */
  readonly args?: readonly string[]
}

/** How to reach a server: all of it data. */
export interface RedisAddresses {
  readonly host: '127.0.0.1'
  readonly port: number
  /** `redis://127.0.0.1:PORT`, with the password if there is one. */
  readonly url: string
  /** The same through a proxy, when there is one. */
  readonly proxiedUrl?: string
}

/** A server that belongs to the caller. Its port and its folder stay the same over restarts. */
export interface RedisServer extends RedisAddresses {
  /** Of the process that runs, or that ran last. */
  readonly pid: number
  readonly running: boolean
  readonly proxy: Proxy | undefined
  kill9(): Promise<void>
  /** SIGTERM, and waits. */
  shutdown(): Promise<void>
  /** Starts it after `kill9` or `shutdown` and waits until it answers. */
  start(): Promise<void>
  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): void
  /** SIGCONT. */
  resume(): void
  /** One command, e.g. `command('CONFIG', 'SET', 'maxmemory', '1')`; rejects with what Redis says. */
  command(...words: readonly string[]): Promise<RedisReply>
  /** The end of what it wrote since its last start. */
  log(): string
  /** Ends it and removes its data. */
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const createProcess = (program: string, args: readonly string[], answers: () => Promise<boolean>) => {
  let child: Child | undefined
  const look = async (started: Child): Promise<boolean> => {
    if (!started.running) throw new Error('it ended')
    return answers()
  }
  return {
    current: () => child,
    start: async (): Promise<void> => {
      if (child?.running === true) return
      const started = await startChild({ command: program, args })
      child = started
      try {
        await waitUntil(() => look(started), { timeoutMs: 30_000, everyMs: 20, what: 'PONG' })
      } catch (error) {
        await started.kill9()
        throw new TestBedError('E_TESTBED_BROKER', { what: 'Redis', reason: (error as Error).message }, started.output(), error)
      }
    },
  }
}

/** Starts a Redis. Throws a `TestBedError` when it cannot be had. */
export const startRedis = async (options: RedisOptions = {}): Promise<RedisServer> => {
  const program = await debianProgram('redis-server')
  const folder = scratchFolder('redis')
  const reserved = await reservePort()
  const { port } = reserved
  const login = options.password === undefined ? '' : `:${encodeURIComponent(options.password)}@`
  const durable = options.appendonly === true ? ['--appendonly', 'yes', '--appendfsync', 'always'] : []
  const secret = options.password === undefined ? [] : ['--requirepass', options.password]
  const place = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder.path, '--daemonize', 'no']
  const command: RedisServer['command'] = (...words) => redisCommand(port, options.password, words)
  const answers = (): Promise<boolean> =>
    command('PING').then(
      () => true,
      () => false,
    )
  const server = createProcess(program, [...place, '--save', '', ...durable, ...secret, ...(options.args ?? [])], answers)
  const started: { proxy?: Proxy } = {}
  const kill9 = async (): Promise<void> => void (await server.current()?.kill9())
  const stop = async (): Promise<void> => {
    await kill9()
    await started.proxy?.remove().catch(() => undefined)
    reserved.release()
    folder.remove()
  }
  try {
    await server.start()
    const proxy = await options.toxiproxy?.proxy(port, { name: `redis-${port}` })
    if (proxy !== undefined) started.proxy = proxy
    return {
      host: '127.0.0.1',
      port,
      url: `redis://${login}127.0.0.1:${port}`,
      ...(proxy !== undefined && { proxiedUrl: `redis://${login}127.0.0.1:${proxy.port}` }),
      get pid() {
        return server.current()?.pid ?? 0
      },
      get running() {
        return server.current()?.running === true
      },
      proxy,
      kill9,
      shutdown: async () => {
        server.current()?.signal('SIGCONT')
        await server.current()?.stop()
      },
      start: server.start,
      pause: () => void server.current()?.signal('SIGSTOP'),
      resume: () => void server.current()?.signal('SIGCONT'),
      command,
      log: () => server.current()?.output() ?? '',
      stop,
      [Symbol.asyncDispose]: stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
