import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const repository: string = fileURLToPath(new URL('../..', import.meta.url))
const main = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url))

/** A process as it ended. */
export interface Ended {
  readonly code: number | NodeJS.Signals | null
  readonly out: string
  readonly err: string
}

/** A `millrace` process from the build. */
export interface MillraceProcess {
  readonly pid: number
  readonly output: () => string
  readonly ended: Promise<Ended>
  /** Resolves when standard output has such a line. Rejects when the process ends first. */
  line(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>
  kill(signal: NodeJS.Signals): void
}

/** Nothing of the surroundings' settings reaches the process. */
const environment = (extra: Readonly<Record<string, string>>): NodeJS.ProcessEnv => {
  const { PATH, HOME, TMPDIR, NODE_COMPILE_CACHE } = process.env
  return { PATH, HOME, TMPDIR, NODE_COMPILE_CACHE, ...extra }
}

const wait = (child: ChildProcess, text: () => string, pattern: RegExp, timeoutMs: number): Promise<RegExpExecArray> =>
  new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new Error(`${why} before ${String(pattern)}\n${text()}`))
    const timer = setTimeout(() => fail(`${timeoutMs} ms passed`), timeoutMs)
    const onClose = (): void => fail('the process ended')
    const look = (): void => {
      const found = pattern.exec(text())
      if (found === null) return
      clearTimeout(timer)
      child.stdout?.off('data', look)
      child.off('close', onClose)
      resolve(found)
    }
    child.stdout?.on('data', look)
    child.once('close', onClose)
    look()
  })

/** Starts `millrace ARGS`. Whoever starts it kills it. */
export const startMillrace = (args: readonly string[], cwd: string, env: Readonly<Record<string, string>> = {}): MillraceProcess => {
  if (!existsSync(main)) throw new Error(`${main} is missing: build first, with npx pnpm@12.21.0 exec tsc -b`)
  const child = spawn(process.execPath, [main, ...args], { cwd, env: environment(env), stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk: Buffer) => void (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => void (err += chunk.toString()))
  const ended = new Promise<Ended>((resolve) => child.once('close', (code, signal) => resolve({ code: code ?? signal, out, err })))
  return {
    pid: child.pid ?? 0,
    output: () => out,
    ended,
    line: (pattern, timeoutMs = 15_000) => wait(child, () => `${out}${err}`, pattern, timeoutMs),
    kill: (signal) => void child.kill(signal),
  }
}
