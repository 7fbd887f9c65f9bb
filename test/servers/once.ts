import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { isAlive } from '../processes/is-alive.ts'
import { TestBedError } from './test-bed-error.ts'

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

export interface OnceOptions {
  /** How long another process may take with it. @default 600000 */
  readonly waitMs?: number
}

/**
 * Makes something that all test runs of this machine share: one process does it, under the lock file `<path>.lock`, and the others wait
 * until it is done. One that fails leaves it to the next.
 *
 * @throws TestBedError `E_TESTBED_LOCK` after `waitMs`
 */
export const doneOnce = async (
  path: string,
  isDone: () => boolean,
  make: () => Promise<void>,
  options: OnceOptions = {},
): Promise<void> => {
  const lock = `${path}.lock`
  const end = performance.now() + (options.waitMs ?? 600_000)
  while (!isDone()) {
    if (!tryLock(lock)) {
      if (performance.now() > end) throw new TestBedError('E_TESTBED_LOCK', { folder: path })
      await new Promise((resolve) => setTimeout(resolve, 100))
      continue
    }
    try {
      if (!isDone()) await make()
      return
    } finally {
      rmSync(lock, { force: true })
    }
  }
}
