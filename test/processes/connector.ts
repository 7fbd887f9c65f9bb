import { startChild, type Child, type Exit } from './child.ts'
import { parseMetrics, type Metrics } from './metrics.ts'
import { waitUntil } from './wait-until.ts'

/** A connector as a program, e.g. `packages/http-source/dist/main.js`. */
export interface ConnectorProgram {
  /** Path of the script that Node runs. Build it first: `npm test` does. */
  readonly main: string
  readonly args?: readonly string[]
  /**
   * Its settings. Only PATH, HOME, TMPDIR, TZ and Node's compile cache are taken from the environment of the test, so that a variable of a developer's shell
   * changes no result. The admin server listens on a free port of 127.0.0.1 and logs are JSON unless something else is said here.
   */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** How long it may take until its admin server listens. @default 30000 */
  readonly startTimeoutMs?: number
}

/** A running connector. */
export interface Connector {
  readonly pid: number
  /** Of its admin server, without a slash at the end. */
  readonly adminUrl: string
  readonly exited: Promise<Exit>
  readonly running: boolean
  /** Resolves when `/readyz` answers 200; rejects with the reasons and the logs after `timeoutMs`, and at once when it ends. @default 30000 */
  ready(timeoutMs?: number): Promise<void>
  /** `GET` of the admin server, e.g. `/readyz`. */
  get(path: string): Promise<{ readonly status: number; readonly text: string }>
  metrics(): Promise<Metrics>
  /** The end of what it wrote. */
  output(): string
  /** Its log lines that are JSON. */
  logs(): readonly Readonly<Record<string, unknown>>[]
  /** SIGKILL, for it and what it started. */
  kill9(): Promise<Exit>
  /** SIGTERM without waiting: the drain. Then see `exited`. */
  terminate(): void
  /** SIGSTOP and SIGCONT. */
  pause(): void
  resume(): void
  /** SIGTERM; SIGKILL after `graceMs`. @default 35000, more than the default drain of 25 s */
  stop(graceMs?: number): Promise<Exit>
  [Symbol.asyncDispose](): Promise<void>
}

const inherited = (): Record<string, string> => {
  const names = ['PATH', 'HOME', 'TMPDIR', 'TZ', 'NODE_COMPILE_CACHE']
  return Object.fromEntries(names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])))
}

/** The process alone, which may not listen yet. For a kill at any moment of the start. */
export const spawnConnector = (program: ConnectorProgram): Promise<Child> =>
  startChild({
    command: process.execPath,
    args: [program.main, ...(program.args ?? [])],
    env: { ...inherited(), admin_host: '127.0.0.1', admin_port: '0', log_encoding: 'json', ...program.env },
    ...(program.cwd !== undefined && { cwd: program.cwd }),
  })

const jsonLines = (output: string): readonly Readonly<Record<string, unknown>>[] =>
  output.split('\n').flatMap((line): Readonly<Record<string, unknown>>[] => {
    try {
      const value = JSON.parse(line) as Readonly<Record<string, unknown>> | null
      return typeof value === 'object' && value !== null ? [value] : []
    } catch {
      return []
    }
  })

const fetchText = async (url: string): Promise<{ status: number; text: string }> => {
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000), headers: { connection: 'close' } })
  return { status: response.status, text: await response.text() }
}

/** The connector of a process, once its admin server listens. Rejects when the process ends before. */
export const attachConnector = async (child: Child, startTimeoutMs = 30_000): Promise<Connector> => {
  const match = await child.line(
    /"url":"(http:\/\/[^"]+)".*"msg":"admin server listens"|"msg":"admin server listens".*"url":"(http:\/\/[^"]+)"/,
    startTimeoutMs,
  )
  const adminUrl = match[1] ?? match[2] ?? ''
  const get = (path: string): Promise<{ status: number; text: string }> => fetchText(`${adminUrl}${path}`)
  const stop = (graceMs = 35_000): Promise<Exit> => child.stop(graceMs)
  return {
    pid: child.pid,
    adminUrl,
    exited: child.exited,
    get running() {
      return child.running
    },
    ready: async (timeoutMs = 30_000) => {
      let last = 'no answer'
      const look = async (): Promise<boolean> => {
        if (!child.running) throw new Error(`the connector ended before it was ready:\n${child.output()}`)
        const answer = await get('/readyz').catch((error: unknown) => ({ status: 0, text: String(error) }))
        last = `${answer.status} ${answer.text}`
        return answer.status === 200
      }
      await waitUntil(look, { timeoutMs, everyMs: 50, what: () => `the connector to be ready; /readyz: ${last}\n${child.output()}` })
    },
    get,
    metrics: async () => parseMetrics((await get('/metrics')).text),
    output: () => child.output(),
    logs: () => jsonLines(child.output()),
    kill9: () => child.kill9(),
    terminate: () => void child.signal('SIGTERM'),
    pause: () => void child.signal('SIGSTOP'),
    resume: () => void child.signal('SIGCONT'),
    stop,
    [Symbol.asyncDispose]: async () => void (await stop()),
  }
}

/** Starts a connector and waits until its admin server listens; `ready()` waits for the rest. Kills it if that fails. */
export const startConnector = async (program: ConnectorProgram): Promise<Connector> => {
  const child = await spawnConnector(program)
  try {
    return await attachConnector(child, program.startTimeoutMs)
  } catch (error) {
    await child.kill9()
    throw error
  }
}
