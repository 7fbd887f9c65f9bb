import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * What this process has to leave behind clean. A second process holds the list and works it off when this one is gone, also after
 * SIGKILL. It is started with the first entry and ends with this process.
 */
export interface Reaper {
  /** The leader of a process group. */
  addProcess(pid: number): void
  removeProcess(pid: number): void
  addPath(path: string): void
  removePath(path: string): void
}

const start = (): ChildProcess => {
  const child = spawn(process.execPath, [fileURLToPath(new URL('reaper-main.ts', import.meta.url))], {
    // In a group of its own: a Ctrl-C in the terminal must not end it before its work.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: {},
  })
  // It may be gone at the very end, when somebody has killed everything; there is nothing left to be done then.
  child.stdin?.on('error', () => undefined)
  child.unref()
  if (child.stdin !== null && 'unref' in child.stdin) (child.stdin as unknown as { unref(): void }).unref()
  return child
}

let running: ChildProcess | undefined

const tell = (line: string): void => {
  running ??= start()
  running.stdin?.write(`${line}\n`)
}

export const reaper: Reaper = {
  addProcess: (pid) => tell(`+pid ${pid}`),
  removeProcess: (pid) => tell(`-pid ${pid}`),
  addPath: (path) => tell(`+path ${path}`),
  removePath: (path) => tell(`-path ${path}`),
}

/** A folder under the system's temporary folder, which goes with this process at the latest. */
export interface ScratchFolder {
  readonly path: string
  remove(): void
}

/** Makes an empty folder `millrace-<name>-...`. */
export const scratchFolder = (name: string): ScratchFolder => {
  const path = mkdtempSync(join(tmpdir(), `millrace-${name}-`))
  reaper.addPath(path)
  return {
    path,
    remove: () => {
      rmSync(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
      reaper.removePath(path)
    },
  }
}
