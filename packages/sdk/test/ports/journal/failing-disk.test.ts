import { execFileSync } from 'node:child_process'
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { realDisk, type Disk } from '../../../src/ports/journal/disk.ts'
import { contents, openJournal } from './open-journal.ts'
import { tempFolders } from './temp-folder.ts'

const folder = tempFolders()

const systemError = (code: string): Error => Object.assign(new Error(`${code}: told by the test`), { code })

/** The real disk, with failures on demand. */
const failingDisk = (): Disk & { fail: 'nothing' | 'half-write' | 'sync' } => {
  const disk: Disk & { fail: 'nothing' | 'half-write' | 'sync' } = {
    fail: 'nothing',
    open: (path) => realDisk.open(path),
    write: async (file, bytes, position) => {
      if (disk.fail !== 'half-write') return realDisk.write(file, bytes, position)
      await realDisk.write(file, bytes.subarray(0, Math.ceil(bytes.length / 2)), position)
      throw systemError('ENOSPC')
    },
    sync: (file) => (disk.fail === 'sync' ? Promise.reject(systemError('EIO')) : realDisk.sync(file)),
  }
  return disk
}

describe('journal on a failing disk', () => {
  test('a write that stops half way rejects, and leaves no half record before the next', async () => {
    const directory = await folder()
    const disk = failingDisk()
    const { journal } = await openJournal(directory, { disk })
    await journal.append('before')
    disk.fail = 'half-write'
    const failed = await Promise.allSettled([journal.append('lost-1'), journal.append('lost-2')])
    expect(failed).toMatchObject([{ reason: { code: 'E_JOURNAL_IO', retryable: true } }, { reason: { code: 'E_JOURNAL_IO' } }])
    await expect(journal.append('lost-3')).rejects.toMatchObject({ code: 'E_JOURNAL_IO' })
    disk.fail = 'nothing'
    await journal.append('after')
    expect(await readFile(`${directory}/0000000001.jsonl`, 'latin1')).not.toContain('lost')
    await journal.close()
    expect(await contents(directory)).toEqual(['before', 'after'])
  })

  test('a crash after a half write loses nothing that was durable', async () => {
    const directory = await folder()
    const disk = failingDisk()
    const { journal } = await openJournal(directory, { disk })
    await journal.append('before')
    disk.fail = 'half-write'
    await expect(journal.append('lost')).rejects.toMatchObject({ code: 'E_JOURNAL_IO' })
    await journal.close()
    expect(await contents(directory)).toEqual(['before'])
  })

  test('after a failed sync the file is verified and written no more', async () => {
    const directory = await folder()
    const disk = failingDisk()
    const { journal } = await openJournal(directory, { disk })
    await journal.append('before')
    const { size } = await stat(`${directory}/0000000001.jsonl`)
    disk.fail = 'sync'
    await expect(journal.append('lost')).rejects.toMatchObject({ code: 'E_JOURNAL_IO' })
    await expect(journal.append('lost')).rejects.toMatchObject({ code: 'E_JOURNAL_IO' })
    disk.fail = 'nothing'
    expect((await journal.append('after')).segment).toBe(2)
    expect((await stat(`${directory}/0000000001.jsonl`)).size).toBe(size)
    await journal.close()
    expect(await contents(directory)).toEqual(['before', 'after'])
  })

  test('durable records that cannot be read back stop the writing', async () => {
    const directory = await folder()
    const disk = failingDisk()
    const { journal } = await openJournal(directory, { disk })
    await journal.append('before')
    disk.fail = 'sync'
    await expect(journal.append('lost')).rejects.toMatchObject({ code: 'E_JOURNAL_IO' })
    const file = `${directory}/0000000001.jsonl`
    const bytes = await readFile(file)
    await writeFile(file, bytes.fill(120, 3, 5))
    disk.fail = 'nothing'
    await expect(journal.append('after')).rejects.toMatchObject({ code: 'E_JOURNAL_IO', context: { operation: 'read back' } })
    await journal.close()
  })

  test('a rotation after a failed write does not lose its place', async () => {
    const directory = await folder()
    const disk = failingDisk()
    const { journal } = await openJournal(directory, { disk })
    disk.fail = 'half-write'
    await expect(journal.append('lost')).rejects.toMatchObject({ code: 'E_JOURNAL_IO' })
    disk.fail = 'nothing'
    const next = await journal.rotate(() => undefined)
    expect((await journal.append('after')).segment).toBe(next)
    await journal.close()
  })
})

// Lazily, so that a test that failed with a file open leaves no mount behind.
const mounted: string[] = []
afterEach(() => {
  for (const path of mounted.splice(0)) execFileSync('umount', ['-l', path])
})

/** A file system of 256 KiB; `undefined` where mounting is not allowed. */
const tinyDisk = async (parent: string): Promise<string | undefined> => {
  const path = `${parent}/tiny`
  await mkdir(path)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', path], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  mounted.push(path)
  return path
}

describe('journal on a disk that is really full', () => {
  test('appends reject while there is no space and go on when there is', async ({ skip }) => {
    const disk = await tinyDisk(await folder())
    if (disk === undefined) return skip('mounting a tmpfs is not allowed here')
    const { journal } = await openJournal(`${disk}/journal`)
    const kept: string[] = []
    let error: unknown
    for (let i = 0; error === undefined; i++) {
      const record = `${i}-${'x'.repeat(10_000)}`
      await journal.append(record).then(
        () => kept.push(record),
        (thrown: unknown) => (error = thrown),
      )
      if (i === 5) await writeFile(`${disk}/ballast`, Buffer.alloc(100_000))
    }
    expect(error).toMatchObject({ code: 'E_JOURNAL_IO', message: expect.stringContaining('ENOSPC') as string })
    await expect(journal.append('z'.repeat(50_000))).rejects.toMatchObject({ code: 'E_JOURNAL_IO' })
    await rm(`${disk}/ballast`)
    await journal.append('space again')
    await journal.close()
    expect(await contents(`${disk}/journal`)).toEqual([...kept, 'space again'])
  })
})
