import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { scratchFolder, type ScratchFolder } from '../processes/reaper.ts'
import { cacheFolder } from './cache.ts'
import { classArchiveFlags } from './kafka/class-archive.ts'
import { runTool } from './tools.ts'

let folder: ScratchFolder

beforeEach(() => {
  folder = scratchFolder('class-archive')
  vi.stubEnv('XDG_CACHE_HOME', folder.path)
})
afterEach(() => {
  vi.unstubAllEnvs()
  folder.remove()
})

const archiveOf = (flags: readonly string[], name: string): string =>
  flags.find((flag) => flag.startsWith(`-XX:${name}=`))?.slice(name.length + 5) ?? ''

test('an archive is made once, by the Java that then starts with it', async () => {
  let runs = 0
  const run = async (flags: readonly string[]): Promise<void> => {
    runs++
    await runTool('java', [...flags, '-version'])
  }
  const [flags, again] = [await classArchiveFlags('1', run), await classArchiveFlags('1', run)]
  expect(again).toEqual(flags)
  expect(runs).toBe(1)
  expect(existsSync(archiveOf(flags, 'SharedArchiveFile'))).toBe(true)
  // It is really used: with `on` in place of `auto`, one that does not fit would be the end.
  await runTool('java', [...flags, '-Xshare:on', '-version'])
})

test('one that cannot be made is no fault, and is not tried again', async () => {
  let runs = 0
  const run = (): Promise<void> => {
    runs++
    return Promise.reject(new Error('the broker did not start'))
  }
  expect([await classArchiveFlags('1', run), await classArchiveFlags('1', run)]).toEqual([[], []])
  expect(runs).toBe(1)
  expect(readdirSync(cacheFolder())).toHaveLength(1)
})

test('one that does not fit is passed over without a word', async () => {
  const run = async (flags: readonly string[]): Promise<void> => writeFileSync(archiveOf(flags, 'ArchiveClassesAtExit'), 'of another Java')
  const flags = await classArchiveFlags('1', run)
  expect(flags).not.toEqual([])
  // A damaged one costs the archive that Java brings, too, and nothing else.
  const said = (await runTool('java', ['-version'])).replace(', sharing)', ')')
  expect((await runTool('java', [...flags, '-version'])).replace(', sharing)', ')')).toBe(said)
})
