import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

/** A source file: its path from the root of the repository with `/`, and its text. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}

/** Comments may quote code; strings are kept, because import specifiers are strings. */
export const withoutComments = (text: string): string =>
  text.replaceAll(/'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|\/\*[^]*?\*\/|\/\/[^\n]*/g, (part) =>
    part.startsWith('/') ? ' ' : part,
  )

/** What a file imports, re-exports, or loads with a literal `import()` or `require()`. Without `types`, only what is left at run time. */
export const importsOf = (text: string, { types } = { types: true }): readonly string[] => {
  const code = withoutComments(text)
  const found = [
    ...code.matchAll(/(?:^|[\n;])\s*(?:import|export)\s+(type\s+)?(?:[^'";]*?\s+from\s+)?['"]([^'"\n]+)['"]/g),
    ...code.matchAll(/\b(?:import|require)(\s)*\(\s*['"]([^'"\n]+)['"]/g),
  ].filter((match) => types || !(match[1] ?? '').startsWith('type'))
  return [...new Set(found.map((match) => match[2] ?? ''))]
}

/** `packages/sdk/src/core/a.ts` for `../core/a.ts` seen from `packages/sdk/src/ports/b.ts`; undefined for a package. */
export const resolveImport = (from: string, specifier: string): string | undefined =>
  specifier.startsWith('.') ? join(dirname(from), specifier).replaceAll('\\', '/') : undefined

/** The package a specifier names: `undici` for `undici/types`, `@millrace/sdk` for `@millrace/sdk/testing`. */
export const packageOf = (specifier: string): string => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')

/**
 * The cycles of what is loaded at run time, each as the files on the way round.
 * Types may name each other: a route knows its lane and the lane its routes, and each has its file.
 */
export const cyclesOf = (files: readonly SourceFile[]): readonly (readonly string[])[] => {
  const known = new Set(files.map((file) => file.path))
  const edges = new Map(
    files.map((file) => [
      file.path,
      importsOf(file.text, { types: false })
        .map((specifier) => resolveImport(file.path, specifier))
        .filter((path): path is string => path !== undefined && known.has(path)),
    ]),
  )
  const done = new Set<string>()
  const cycles: string[][] = []
  const walk = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path)
    if (start >= 0) return void cycles.push([...trail.slice(start), path])
    if (done.has(path)) return
    for (const next of edges.get(path) ?? []) walk(next, [...trail, path])
    done.add(path)
  }
  for (const path of known) walk(path, [])
  return cycles
}

/** The TypeScript sources of all packages. */
export const readSources = (root: string): readonly SourceFile[] =>
  readdirSync(join(root, 'packages')).flatMap((name) => {
    const folder = join(root, 'packages', name, 'src')
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => join(folder, file))
      .map((file) => ({ path: relative(root, file).replaceAll('\\', '/'), text: readFileSync(file, 'utf8') }))
  })
