import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { entriesOf, installAll, lend, packAll, readManifest, root, run, type Manifest, type Tarball } from './tarballs.ts'

const packages = readdirSync(join(root, 'packages')).map((folder) => `@millrace/${folder}`)
const bin = (name: string): string => join(root, 'node_modules/.bin', name)

let folder: string
let project: string
let tarballs: readonly Tarball[]

const tarballOf = (name: string): Tarball => {
  const found = tarballs.find((tarball) => tarball.name === name)
  if (found === undefined) throw new Error(`${name} was not packed`)
  return found
}

const manifestOf = (name: string): Manifest => readManifest(project, name)

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-packaging-'))
  project = join(folder, 'project')
  tarballs = await packAll(folder)
  const installed = await installAll(project, tarballs)
  if (installed.code !== 0) throw new Error(`npm install: ${installed.code}\n${installed.output}`)
}, 120_000)

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

// Side by side: most of the time goes into waiting for other processes.
describe.concurrent.each(packages)('%s', { timeout: 60_000 }, (name) => {
  test('packs the build, the readme and the licence, and nothing else', () => {
    const { files } = tarballOf(name)
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json', 'dist/index.js', 'dist/index.d.ts']))
    const surplus = files.filter((file) => !/^(?:LICENSE|README\.md|package\.json|dist\/[\w./-]+\.(?:js|d\.ts))$/.test(file))
    expect(surplus).toEqual([])
  })

  test('names versions, not the workspace', () => {
    const ranges = Object.values(manifestOf(name).dependencies ?? {})
    expect(ranges.filter((range) => !/^\d+\.\d+\.\d+$/.test(range))).toEqual([])
  })

  test('passes publint', async () => {
    const { code, output } = await run(bin('publint'), ['run', tarballOf(name).filename, '--strict'], project)
    expect(code, output).toBe(0)
  })

  test('passes attw', async () => {
    const args = [tarballOf(name).filename, '--profile', 'esm-only', '--no-definitely-typed', '--format', 'ascii']
    const { code, output } = await run(bin('attw'), args, project)
    expect(code, output).toBe(0)
  })

  test('has bins that answer --help with 0 and a wrong flag with 2', async () => {
    for (const command of Object.keys(manifestOf(name).bin ?? {})) {
      const program = join(project, 'node_modules/.bin', command)
      const help = await run(program, ['--help'], project)
      expect(help, `${command} --help`).toMatchObject({ code: 0, output: expect.stringMatching(/usage/i) })
      const wrong = await run(program, ['--no-such-flag'], project)
      expect(wrong, `${command} --no-such-flag`).toMatchObject({ code: 2, output: expect.stringContaining('no-such-flag') })
    }
  })

  test('exports what its manifest says, without test tools installed', async () => {
    const entries = entriesOf(manifestOf(name)).filter((entry) => !entry.endsWith('/testing'))
    for (const entry of entries) {
      const script = `const all = await import('${entry}'); process.exit(Object.keys(all).length > 0 ? 0 : 3)`
      expect(await run(process.execPath, ['--input-type=module', '-e', script], project), entry).toEqual({ code: 0, output: '' })
    }
  })

  test('keeps its inside closed', async () => {
    const script = `await import('${name}/dist/index.js')`
    const ended = await run(process.execPath, ['--input-type=module', '-e', script], project)
    expect(ended.output).toContain('ERR_PACKAGE_PATH_NOT_EXPORTED')
  })
})

describe('in a project with vitest and TypeScript', () => {
  beforeAll(() => {
    for (const name of ['vitest', '@types/node']) lend(project, name)
  })

  test('@millrace/sdk/testing is imported', async () => {
    const script = "const all = await import('@millrace/sdk/testing'); process.exit(Object.keys(all).length > 0 ? 0 : 3)"
    expect(await run(process.execPath, ['--input-type=module', '-e', script], project)).toEqual({ code: 0, output: '' })
  })

  test('the declarations of every entry stand on their own', async () => {
    const entries = packages.flatMap((name) => entriesOf(manifestOf(name)))
    const lines = entries.map(
      (entry, index) => `import * as entry${index} from '${entry}'\nexport const has${index}: object = entry${index}`,
    )
    writeFileSync(join(project, 'all.ts'), `${lines.join('\n')}\n`)
    const flags = [
      '--noEmit',
      '--strict',
      '--module',
      'nodenext',
      '--target',
      'es2024',
      '--types',
      'node',
      '--lib',
      'es2024,esnext.disposable',
    ]
    const { output } = await run(bin('tsc'), [...flags, 'all.ts'], project)
    expect(output.split('\n').filter((line) => /^(?:all\.ts|node_modules\/@millrace\/)/.test(line))).toEqual([])
  })
})
