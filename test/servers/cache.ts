import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { doneOnce, type OnceOptions } from './once.ts'

/** Where downloads stay between runs: outside of the work tree. */
export const cacheFolder = (): string => {
  const base = process.env.XDG_CACHE_HOME
  return join(base === undefined || base === '' ? join(homedir(), '.cache') : base, 'millrace')
}

/**
 * The folder `name` of the cache. If it is not there, `fill` puts its content into an empty folder that is then moved into place in
 * one step: a folder that is there is whole. Of several processes one fills and the others wait.
 */
export const cached = async (name: string, fill: (folder: string) => Promise<void>, options: OnceOptions = {}): Promise<string> => {
  const folder = join(cacheFolder(), name)
  mkdirSync(cacheFolder(), { recursive: true })
  const make = async (): Promise<void> => {
    const partial = `${folder}.${process.pid}`
    try {
      rmSync(partial, { recursive: true, force: true })
      mkdirSync(partial)
      await fill(partial)
      renameSync(partial, folder)
    } finally {
      rmSync(partial, { recursive: true, force: true })
    }
  }
  await doneOnce(folder, () => existsSync(folder), make, options)
  return folder
}
