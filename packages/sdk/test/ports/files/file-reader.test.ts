import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { nodeFileReader } from '../../../src/ports/files/file-reader.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-files-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

test('the version changes when Kubernetes swaps the symlink above a mounted secret', async () => {
  for (const name of ['one', 'two']) {
    await mkdir(join(folder, name))
    await writeFile(join(folder, name, 'password'), name)
  }
  await symlink('one', join(folder, '..data'))
  await symlink(join('..data', 'password'), join(folder, 'password'))
  const path = join(folder, 'password')
  const before = await nodeFileReader.version(path)
  expect(await nodeFileReader.version(path)).toBe(before)
  await symlink('two', join(folder, '..data_tmp'))
  await rename(join(folder, '..data_tmp'), join(folder, '..data'))
  expect(await nodeFileReader.version(path)).not.toBe(before)
  expect(await nodeFileReader.read(path)).toBe('two')
})

test('a file that cannot be a setting is refused', async () => {
  await writeFile(join(folder, 'big'), Buffer.alloc(1_048_577))
  await expect(nodeFileReader.read(join(folder, 'big'))).rejects.toThrow('at most 1048576')
  await expect(nodeFileReader.read(join(folder, 'gone'))).rejects.toThrow('ENOENT')
})
