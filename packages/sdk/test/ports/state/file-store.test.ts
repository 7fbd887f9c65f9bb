import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import type { StateStore } from '../../../src/contract/state-store.ts'
import { fileState, type FileStateOptions } from '../../../src/ports/state/file-store.ts'
import { manualClock } from '../../../src/testing/manual-clock.ts'
import { recordingLogger } from '../journal/recording-logger.ts'
import { tempFolders } from '../journal/temp-folder.ts'

const folder = tempFolders()
const open = (directory: string, options: Partial<FileStateOptions> = {}): Promise<StateStore> =>
  fileState({ directory, clock: manualClock(), ...options })
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Changes one byte in the middle of a file. */
const damage = async (file: string): Promise<void> => {
  const content = await readFile(file)
  const at = content.indexOf('"put"')
  await writeFile(file, content.fill(120, at, at + 1))
}

describe('file state', () => {
  test('10,000 puts of one turn are all there afterwards', async () => {
    const directory = await folder()
    const store = await open(directory)
    await Promise.all(Array.from({ length: 10_000 }, (_, n) => store.put(`key-${n}`, bytes(String(n)), 'absent')))
    await store.close()
    const again = await open(directory)
    expect(await again.keys('key-')).toHaveLength(10_000)
    expect(await again.get('key-9999')).toEqual({ value: bytes('9999'), version: 1 })
    await again.close()
  })

  test('snapshots bound the files and keep everything', async () => {
    const directory = await folder()
    const store = await open(directory, { snapshotAfterBytes: 2000 })
    let version: number | 'absent' = 'absent'
    for (let n = 0; n < 300; n++) version = (await store.put('cursor', bytes(`slot ${n}`), version)) ?? 'absent'
    expect(version).toBe(300)
    await store.put('other', bytes('x'), 'absent')
    await store.delete('other', 1)
    await store.close()
    const names = (await readdir(directory)).filter((name) => name.endsWith('.jsonl'))
    expect(names).toContain('snapshot.jsonl')
    expect((await Promise.all(names.map((name) => stat(`${directory}/${name}`)))).reduce((sum, { size }) => sum + size, 0)).toBeLessThan(
      6000,
    )
    const again = await open(directory)
    expect(await again.get('cursor')).toEqual({ value: bytes('slot 299'), version: 300 })
    expect(await again.get('other')).toBeUndefined()
    await again.close()
  })

  test('a person can read it', async () => {
    const directory = await folder()
    const store = await open(directory)
    await store.put('cron/pay', bytes('{"slot":5}'), 'absent')
    await store.close()
    expect(await readFile(`${directory}/0000000001.jsonl`, 'utf8')).toContain('{"put":"cron/pay","version":1,"text":"{\\"slot\\":5}"}\t')
  })

  test.each(['0000000001.jsonl', 'snapshot.jsonl'])(
    'a damaged %s shuts the store, at every start, until a person has decided',
    async (name) => {
      const directory = await folder()
      const snapshotAfterBytes = name.startsWith('snapshot') ? 1 : undefined
      const store = await open(directory, { snapshotAfterBytes })
      for (let n = 0; n < 5; n++) await store.put(`key-${n}`, bytes('v'), 'absent')
      await store.close()
      await damage(`${directory}/${name}`)
      const damaged = await readFile(`${directory}/${name}`)
      const logger = recordingLogger()
      await expect(open(directory, { logger })).rejects.toMatchObject({
        code: 'E_STATE_CORRUPT',
        fix: expect.stringContaining('backup') as string,
      })
      expect(logger.lines.some(({ level, fields }) => level === 'error' && fields?.['code'] === 'E_STATE_CORRUPT')).toBe(true)
      expect(await readFile(`${directory}/${name}.corrupt-1`)).toEqual(damaged)
      await expect(open(directory)).rejects.toMatchObject({ code: 'E_STATE_CORRUPT' })
      await rm(directory, { recursive: true })
      const fresh = await open(directory)
      expect(await fresh.keys('')).toEqual([])
      await fresh.close()
    },
  )

  test('a missing file is damage too', async () => {
    const directory = await folder()
    const store = await open(directory, { snapshotAfterBytes: 1 })
    for (let n = 0; n < 5; n++) await store.put(`key-${n}`, bytes('v'), 'absent')
    await store.close()
    await rm(`${directory}/snapshot.jsonl`)
    await expect(open(directory)).rejects.toMatchObject({ code: 'E_STATE_CORRUPT' })
  })

  test('a crash between a snapshot and the removal of what it stands for changes nothing', async () => {
    const directory = await folder()
    const store = await open(directory)
    await store.put('a', bytes('1'), 'absent')
    await store.delete('a', 1)
    await store.put('b', bytes('1'), 'absent')
    await store.close()
    const old = await readFile(`${directory}/0000000001.jsonl`)
    const second = await open(directory, { snapshotAfterBytes: 1 })
    await second.put('c', bytes('1'), 'absent')
    await second.close()
    await writeFile(`${directory}/0000000001.jsonl`, old)
    await writeFile(`${directory}/snapshot.jsonl.new`, 'half a snapsh')
    const third = await open(directory)
    expect([...(await third.keys(''))].toSorted()).toEqual(['b', 'c'])
    await third.close()
  })

  test('limits of the whole store', async () => {
    const store = await open(await folder(), { maxBytes: 1000 })
    await store.put('a', new Uint8Array(500), 'absent')
    await expect(store.put('b', new Uint8Array(600), 'absent')).rejects.toMatchObject({ code: 'E_STATE_LIMIT' })
    expect(await store.put('a', new Uint8Array(600), 1)).toBe(2)
    await store.close()
  })

  test('two stores in one directory: the second is refused', async () => {
    const directory = await folder()
    const store = await open(directory)
    await expect(open(directory)).rejects.toMatchObject({ code: 'E_JOURNAL_LOCKED' })
    await store.close()
  })

  test('a directory that is a file is a coded error', async () => {
    const file = `${await folder()}/file`
    await writeFile(file, '')
    await expect(open(file)).rejects.toMatchObject({ code: 'E_STATE_IO' })
  })
})
