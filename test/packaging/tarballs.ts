import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root: string = fileURLToPath(new URL('../..', import.meta.url))

/** A packed package: where the tarball lies, what it holds, what its manifest says. */
export interface Tarball {
  readonly name: string
  readonly filename: string
  readonly files: readonly string[]
}

export interface Manifest {
  readonly name: string
  readonly version: string
  readonly bin?: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, unknown>>
  readonly dependencies?: Readonly<Record<string, string>>
}

export interface Ended {
  readonly code: number | string
  readonly output: string
}

/** Runs a program to its end with this Node first on the path; a failure is an answer, not a throw. */
export const run = (program: string, args: readonly string[], cwd: string): Promise<Ended> =>
  new Promise((resolve) => {
    const env = { ...process.env, PATH: [dirname(process.execPath), process.env.PATH].join(delimiter), NO_COLOR: '1', NODE_OPTIONS: '' }
    execFile(program, args, { cwd, env, timeout: 60_000, maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : (error.code ?? error.signal ?? 'unknown'), output: `${stdout}${stderr}` })
    })
  })

/** As a release does it: every package, with `workspace:*` replaced. */
export const packAll = async (destination: string): Promise<readonly Tarball[]> => {
  const args = ['--yes', 'pnpm@12.21.0', '-r', '--filter', './packages/*', 'pack', '--pack-destination', destination, '--json']
  const { code, output } = await run('npx', args, root)
  if (code !== 0) throw new Error(`pnpm pack: ${code}\n${output}`)
  const packed = JSON.parse(output.slice(output.indexOf('['), output.lastIndexOf(']') + 1)) as (Omit<Tarball, 'files'> & {
    files: { path: string }[]
  })[]
  return packed.map(({ name, filename, files }) => ({ name, filename, files: files.map((file) => file.path) }))
}

/** An empty project of somebody else with the tarballs installed. */
export const installAll = async (project: string, tarballs: readonly Tarball[]): Promise<Ended> => {
  mkdirSync(project, { recursive: true })
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'somebody', private: true, type: 'module' }))
  const flags = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  return run('npm', ['install', ...flags, ...tarballs.map((tarball) => tarball.filename)], project)
}

/** A package of the workspace, for what the project would otherwise have to download (vitest is large). */
export const lend = (project: string, name: string): void => {
  mkdirSync(dirname(join(project, 'node_modules', name)), { recursive: true })
  symlinkSync(join(root, 'node_modules', name), join(project, 'node_modules', name))
}

export const readManifest = (project: string, name: string): Manifest =>
  JSON.parse(readFileSync(join(project, 'node_modules', name, 'package.json'), 'utf8')) as Manifest

/** What a user writes to import each entry: `@millrace/sdk`, `@millrace/sdk/testing`. */
export const entriesOf = (manifest: Manifest): readonly string[] =>
  Object.keys(manifest.exports)
    .filter((key) => key !== './package.json')
    .map((key) => join(manifest.name, key))
