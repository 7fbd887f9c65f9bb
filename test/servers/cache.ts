import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { isAlive } from '../processes/is-alive.ts'
import { TestBedError } from './test-bed-error.ts'

/** Where downloads stay between runs: outside of the work tree. */
export const cacheFolder = (): string => {
  const base = process.env.XDG_CACHE_HOME
  return join(base === undefined || base === '' ? join(homedir(), '.cache') : base, 'millrace')
}

const ownerOf = (lock: string): number => {
  try {
    return Number(readFileSync(lock, 'utf8'))
  } catch {
    return 0
  }
}

/** Takes the lock file if it is free, or if the process that has it is gone. */
const tryLock = (lock: string): boolean => {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' })
    return true
  } catch {
    const owner = ownerOf(lock)
    if (owner > 0 && !isAlive(owner)) rmSync(lock, { force: true })
    return false
  }
}

export interface CacheOptions {
  /** How long another process may take to fill it. @default 600000 */
  readonly waitMs?: number
}

/**
 * The folder `name` of the cache. If it is not there, `fill` puts its content into an empty folder that is then moved into place in
 * one step: a folder that is there is whole. Of several processes one fills and the others wait.
 */
export const cached = async (name: string, fill: (folder: string) => Promise<void>, options: CacheOptions = {}): Promise<string> => {
  const folder = join(cacheFolder(), name)
  const lock = `${folder}.lock`
  const end = performance.now() + (options.waitMs ?? 600_000)
  mkdirSync(cacheFolder(), { recursive: true })
  while (!existsSync(folder)) {
    if (!tryLock(lock)) {
      if (performance.now() > end) throw new TestBedError('E_TESTBED_LOCK', { folder })
      await new Promise((resolve) => setTimeout(resolve, 100))
      continue
    }
    const partial = `${folder}.${process.pid}`
    try {
      if (existsSync(folder)) break
      rmSync(partial, { recursive: true, force: true })
      mkdirSync(partial)
      await fill(partial)
      renameSync(partial, folder)
    } finally {
      rmSync(partial, { recursive: true, force: true })
      rmSync(lock, { force: true })
    }
  }
  return folder
}
