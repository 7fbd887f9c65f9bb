import { randomUUID } from 'node:crypto'
import { link, readdir, readFile, readlink, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import { threadId } from 'node:worker_threads'
import { MillraceError } from '../../core/errors.ts'
import { systemCode } from './disk.ts'

/** Who holds a directory; the JSON in `lock-N`. */
interface Holder {
  readonly token: string
  readonly pid: number
  readonly thread: number
  /** Boot and process namespace: only inside one of these does a pid mean anything. */
  readonly machine: string
  readonly host: string
  /** The process's start in ticks since boot, so that a pid used again is not taken for the old process. */
  readonly started: string
  readonly released?: boolean
}

/** The exclusive right to write a directory. */
export interface DirectoryLock {
  /** False once another process has taken over. */
  held(): boolean
  release(): Promise<void>
}

export interface LockOptions {
  /** The holder touches its lock this often. @default 2000 */
  readonly heartbeatMs?: number
}

const name = /^lock-(\d+)$/
const registry = Symbol.for('millrace.directory-locks')

/** Tokens held by this thread, shared by all copies of this package. */
const heldHere = (): Set<string> => {
  const store = globalThis as { [registry]?: Set<string> }
  store[registry] ??= new Set()
  return store[registry]
}

const readOr = async (read: Promise<string>): Promise<string> => {
  try {
    return (await read).trim()
  } catch {
    return ''
  }
}

/** State letter and start time of a process by /proc/PID/stat (proc_pid_stat(5), fields 3 and 22); absent elsewhere than on Linux. */
const procStat = async (pid: number | 'self'): Promise<{ readonly state: string; readonly started: string } | undefined> => {
  const text = await readOr(readFile(`/proc/${pid}/stat`, 'latin1'))
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return text === '' ? undefined : { state: fields[0] ?? '', started: fields[19] ?? '' }
}

const self = async (): Promise<Holder> => ({
  token: randomUUID(),
  pid: process.pid,
  thread: threadId,
  machine: `${await readOr(readFile('/proc/sys/kernel/random/boot_id', 'latin1'))} ${await readOr(readlink('/proc/self/ns/pid'))}`,
  host: hostname(),
  started: (await procStat('self'))?.started ?? '',
})

const parseHolder = (text: string): Holder | undefined => {
  try {
    const value = JSON.parse(text) as Partial<Holder> | null
    return typeof value?.token === 'string' && typeof value.pid === 'number' ? (value as Holder) : undefined
  } catch {
    return undefined
  }
}

const exists = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return systemCode(error) === 'EPERM'
  }
}

/** Alive or dead where that can be known; `unknown` for another machine, container or thread. */
const judge = async (holder: Holder | undefined, me: Holder): Promise<'alive' | 'dead' | 'unknown'> => {
  if (holder === undefined) return 'unknown'
  if (holder.released === true) return 'dead'
  if (holder.machine !== me.machine || (holder.machine === ' ' && holder.host !== me.host)) return 'unknown'
  if (holder.pid === me.pid && holder.started === me.started) {
    if (holder.thread !== me.thread) return 'unknown'
    return heldHere().has(holder.token) ? 'alive' : 'dead'
  }
  if (!exists(holder.pid)) return 'dead'
  const now = await procStat(holder.pid)
  if (now === undefined) return 'alive'
  return now.state === 'Z' || now.state === 'X' || now.started !== holder.started ? 'dead' : 'alive'
}

/** Watches the lock's heartbeat: no clocks are compared. */
const silent = async (path: string, heartbeatMs: number): Promise<boolean> => {
  const modified = async (): Promise<number> => (await stat(path)).mtimeMs
  try {
    const before = await modified()
    for (let i = 0; i < 5; i++) {
      await wait(heartbeatMs)
      if ((await modified()) !== before) return false
    }
    return true
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return true
    throw error
  }
}

const numbers = async (directory: string): Promise<number[]> =>
  (await readdir(directory))
    .map((file) => Number(name.exec(file)?.[1] ?? 0))
    .filter((number) => number > 0)
    .toSorted((a, b) => b - a)

/** One try: true when `lock-(highest + 1)` is ours. The link is exclusive, so of several takers one wins. */
const claim = async (directory: string, me: Holder, highest: number): Promise<boolean> => {
  const temporary = `${directory}/lock.${me.token}`
  await writeFile(temporary, `${JSON.stringify(me)}\n`, { mode: 0o640 })
  try {
    await link(temporary, `${directory}/lock-${highest + 1}`)
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    throw error
  } finally {
    await rm(temporary, { force: true })
  }
  // A slow taker may have linked a number that others have long passed.
  if ((await numbers(directory))[0] === highest + 1) return true
  await rm(`${directory}/lock-${highest + 1}`, { force: true })
  return false
}

const acquire = async (directory: string, me: Holder, heartbeatMs: number): Promise<number> => {
  for (let tries = 0; tries < 20; tries++) {
    const highest = (await numbers(directory))[0] ?? 0
    if (highest > 0) {
      const path = `${directory}/lock-${highest}`
      const holder = parseHolder(await readOr(readFile(path, 'utf8')))
      const state = await judge(holder, me)
      if (state === 'alive' || (state === 'unknown' && !(await silent(path, heartbeatMs)))) {
        throw new MillraceError('E_JOURNAL_LOCKED', { directory, pid: holder?.pid ?? 'unknown', host: holder?.host ?? 'unknown' })
      }
    }
    if (await claim(directory, me, highest)) {
      for (const old of (await numbers(directory)).filter((number) => number <= highest))
        await rm(`${directory}/lock-${old}`, { force: true })
      return highest + 1
    }
  }
  throw new MillraceError('E_JOURNAL_LOCKED', { directory, pid: 'unknown', host: 'unknown' })
}

/**
 * Takes the exclusive right to write a directory. The lock of a process that was killed is taken over: at once where
 * its death can be seen, after five missed heartbeats when it ran elsewhere (another container on the same volume).
 *
 * The highest `lock-N` counts, and numbers only grow, so two takers of one stale lock cannot both win.
 *
 * @throws MillraceError `E_JOURNAL_LOCKED` when another process, or this one, writes there.
 */
export const lockDirectory = async (directory: string, { heartbeatMs = 2000 }: LockOptions = {}): Promise<DirectoryLock> => {
  const me = await self()
  heldHere().add(me.token)
  const number = await acquire(directory, me, heartbeatMs).catch((error: unknown) => {
    heldHere().delete(me.token)
    throw error
  })
  const path = `${directory}/lock-${number}`
  let held = true
  const beat = async (): Promise<void> => {
    try {
      if ((await numbers(directory))[0] !== number) held = false
      else await utimes(path, new Date(), new Date())
    } catch (error) {
      // A full or failing disk is not a loss of the lock; a vanished lock is.
      if (systemCode(error) === 'ENOENT') held = false
    }
  }
  const timer = setInterval(() => void beat(), heartbeatMs).unref()
  return {
    held: () => held,
    release: async () => {
      clearInterval(timer)
      if (!heldHere().delete(me.token) || !held) return
      held = false
      // Kept and marked, so that the number is not used again. On a full disk the next holder finds out by itself.
      try {
        await writeFile(`${path}.released`, `${JSON.stringify({ ...me, released: true })}\n`)
        await rename(`${path}.released`, path)
      } catch {
        await rm(`${path}.released`, { force: true })
      }
    },
  }
}
