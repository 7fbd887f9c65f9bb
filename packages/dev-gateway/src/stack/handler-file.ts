import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/** Where a function's code lies. */
export interface HandlerFile {
  readonly file: string
  readonly folder: string
}

const isFile = (path: string): boolean => existsSync(path) && statSync(path).isFile()

const mainOf = (folder: string): string | undefined => {
  const manifest = join(folder, 'package.json')
  if (!isFile(manifest)) return undefined
  try {
    const { main } = JSON.parse(readFileSync(manifest, 'utf8')) as { main?: unknown }
    return typeof main === 'string' ? resolve(folder, main) : undefined
  } catch {
    return undefined
  }
}

/** The file that exports the handler, or why there is none. The template requires `handler`, so that name goes before `main`. */
export const findHandler = (path: string): HandlerFile | { readonly reason: string } => {
  if (!existsSync(path)) return { reason: `${path} does not exist` }
  if (isFile(path)) return { file: path, folder: dirname(path) }
  const candidates = ['handler.js', 'handler.mjs', 'handler.cjs'].map((file) => join(path, file))
  const file = [...candidates, mainOf(path)].find((candidate) => candidate !== undefined && isFile(candidate))
  return file === undefined
    ? { reason: `${path} has neither handler.js, handler.mjs, handler.cjs nor a package.json with main` }
    : { file, folder: path }
}
