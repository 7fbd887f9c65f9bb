import { spawn } from 'node:child_process'
import { StringDecoder } from 'node:string_decoder'
import { reaper } from './reaper.ts'

/** How a process ended: `code`, or the `signal` that ended it. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface ChildOptions {
  readonly command: string
  readonly args: readonly string[]
  /** The whole environment of the child. @default that of this process */
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  /** Called for each whole line of standard output and standard error. */
  readonly onLine?: (line: string) => void
}

/** A process that was started here. It is killed when this process is gone, however that happens. */
export interface Child {
  readonly pid: number
  /** Resolves when the process has ended and all it had written has been read. Never rejects. */
  readonly exited: Promise<Exit>
  readonly running: boolean
  /** The end of what it wrote, to either stream, at most 256 KiB. */
  output(): string
  /** To the process alone. False when it has ended. */
  signal(name: NodeJS.Signals): boolean
  /** SIGKILL to the process and to what it has started, and waits. */
  kill9(): Promise<Exit>
  /** SIGTERM; SIGKILL after `graceMs`. @default 10000 */
  stop(graceMs?: number): Promise<Exit>
  /** Resolves with the match in the first line that fits, from the start on; rejects when the process ends before, or after `timeoutMs`. */
  line(pattern: RegExp, timeoutMs: number): Promise<RegExpExecArray>
}

const keptCharacters = 262_144

/** Starts a process in a group of its own. Rejects when there is no such program. */
export const startChild = async (options: ChildOptions): Promise<Child> => {
  const child = spawn(options.command, options.args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: options.env ?? process.env,
    ...(options.cwd !== undefined && { cwd: options.cwd }),
  })
  const { pid } = child
  if (pid === undefined) {
    const cause = await new Promise<Error>((resolve) => child.once('error', resolve))
    throw new Error(`${options.command} does not start: ${cause.message}`, { cause })
  }
  reaper.addProcess(pid)

  let kept = ''
  let ended: Exit | undefined
  const listeners = new Set<(line: string) => void>(options.onLine === undefined ? [] : [options.onLine])
  const read = (stream: NodeJS.ReadableStream): void => {
    const decoder = new StringDecoder('utf8')
    let rest = ''
    stream.on('data', (chunk: Buffer) => {
      const text = decoder.write(chunk)
      kept = (kept + text).slice(-keptCharacters)
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) for (const listener of listeners) listener(line)
    })
  }
  read(child.stdout)
  read(child.stderr)

  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', () => reaper.removeProcess(pid))
    child.once('close', (code, signal) => {
      ended = { code, signal }
      resolve(ended)
    })
  })

  const signal = (name: NodeJS.Signals): boolean => child.exitCode === null && child.signalCode === null && child.kill(name)

  const kill9 = async (): Promise<Exit> => {
    if (child.exitCode === null && child.signalCode === null) {
      try {
        process.kill(-pid, 'SIGKILL')
      } catch {
        // It ended just now.
      }
    }
    return exited
  }

  const stop = async (graceMs = 10_000): Promise<Exit> => {
    signal('SIGTERM')
    const timer = setTimeout(() => void kill9(), graceMs)
    try {
      return await exited
    } finally {
      clearTimeout(timer)
    }
  }

  const line = (pattern: RegExp, timeoutMs: number): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const fail = (why: string): void =>
        finish(() => reject(new Error(`${options.command} ${why} before it wrote ${String(pattern)}:\n${kept}`)))
      const look = (text: string): void => {
        const match = pattern.exec(text)
        if (match !== null) finish(() => resolve(match))
      }
      const timer = setTimeout(() => fail(`took longer than ${timeoutMs} ms`), timeoutMs)
      const finish = (settle: () => void): void => {
        clearTimeout(timer)
        listeners.delete(look)
        settle()
      }
      listeners.add(look)
      kept.split('\n').forEach(look)
      void exited.then(({ code, signal: by }) => fail(`ended (${code ?? by})`))
    })

  return {
    pid,
    exited,
    get running() {
      return ended === undefined
    },
    output: () => kept,
    signal,
    kill9,
    stop,
    line,
  }
}
