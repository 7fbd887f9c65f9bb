import { appendFile, copyFile, mkdir, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { contents, openJournal } from './open-journal.ts'
import { recordingLogger } from './recording-logger.ts'
import { tempFolders } from './temp-folder.ts'

const folder = tempFolders()
const FILE = '0000000001.jsonl'
const records = ['{"n":1,"t":"first"}', '{"n":2,"t":"second"}', '{"n":3,"t":"third"}']

/** Three records, each synced by itself. Returns the file and the sizes after each. */
const threeRecords = async (directory: string): Promise<{ readonly bytes: Buffer; readonly sizes: readonly number[] }> => {
  const { journal } = await openJournal(directory)
  const sizes: number[] = []
  for (const record of records) {
    await journal.append(record)
    sizes.push((await stat(`${directory}/${FILE}`)).size)
  }
  await journal.close()
  return { bytes: await readFile(`${directory}/${FILE}`), sizes }
}

const withFile = async (parent: string, name: string, bytes: Uint8Array): Promise<string> => {
  const directory = `${parent}/${name}`
  await mkdir(directory)
  await writeFile(`${directory}/${FILE}`, bytes)
  return directory
}

describe('journal recovery', () => {
  test('T4: a tail torn at any byte of the last record is cut, and writing goes on', async () => {
    const parent = await folder()
    const { bytes, sizes } = await threeRecords(`${parent}/whole`)
    for (let end = (sizes[1] ?? 0) + 1; end < bytes.length; end++) {
      const directory = await withFile(parent, `torn-${end}`, bytes.subarray(0, end))
      const { journal, found } = await openJournal(directory)
      expect(found).toEqual(records.slice(0, 2))
      await journal.append('again')
      await journal.close()
      expect(await contents(directory)).toEqual([...records.slice(0, 2), 'again'])
    }
  })

  test('a file torn inside its first record is begun again', async () => {
    const parent = await folder()
    const { bytes } = await threeRecords(`${parent}/whole`)
    for (const end of [0, 1, 20]) {
      const directory = await withFile(parent, `torn-${end}`, bytes.subarray(0, end))
      const { journal, found } = await openJournal(directory)
      expect(found).toEqual([])
      await journal.append('again')
      await journal.close()
      expect(await contents(directory)).toEqual(['again'])
    }
  })

  test('zeros that a file system put behind the last record are cut', async () => {
    const parent = await folder()
    const { bytes } = await threeRecords(`${parent}/whole`)
    const directory = await withFile(parent, 'zeros', Buffer.concat([bytes, Buffer.alloc(4096)]))
    expect(await contents(directory)).toEqual(records)
  })

  test('a lost page inside the last, unsynced write is a torn tail; what is cut is kept', async () => {
    const parent = await folder()
    const directory = `${parent}/whole`
    const { journal } = await openJournal(directory)
    await journal.append('durable')
    await Promise.all(['lost', 'kept'].map((text) => journal.append(text)))
    await journal.close()
    const bytes = await readFile(`${directory}/${FILE}`)
    const at = bytes.indexOf('lost')
    const torn = await withFile(parent, 'torn', Buffer.from(bytes).fill(0, at, at + 4))
    expect(await contents(torn)).toEqual(['durable'])
    expect(await readdir(torn)).toContain(`${FILE}.torn`)
  })

  test('zeros where a later write saw the file durable are damage, not a torn tail', async () => {
    const parent = await folder()
    const { bytes } = await threeRecords(`${parent}/whole`)
    const at = bytes.indexOf('second')
    const directory = await withFile(parent, 'zeros', Buffer.from(bytes).fill(0, at, at + 6))
    await expect(openJournal(directory)).rejects.toMatchObject({ code: 'E_JOURNAL_CORRUPT' })
  })

  test('a changed bit anywhere is seen; the file is set aside, whole, with an error in the log', async () => {
    const parent = await folder()
    const { bytes } = await threeRecords(`${parent}/whole`)
    // Every third byte, and each of the last trailer.
    for (let at = 0; at < bytes.length; at += at < bytes.length - 14 ? 3 : 1) {
      const flipped = Buffer.from(bytes)
      flipped.writeUInt8(flipped.readUInt8(at) ^ 1, at)
      const directory = await withFile(parent, `flip-${at}`, flipped)
      const logger = recordingLogger()
      await expect(openJournal(directory, { logger })).rejects.toMatchObject({ code: 'E_JOURNAL_CORRUPT' })
      expect(await readFile(`${directory}/${FILE}.corrupt-1`)).toEqual(flipped)
      expect(logger.lines).toMatchObject([{ level: 'error', fields: { code: 'E_JOURNAL_CORRUPT' } }])
    }
  })

  test('damage in an older file is seen too', async () => {
    const directory = await folder()
    const { journal } = await openJournal(directory, { maxSegmentBytes: 60 })
    for (const record of records) await journal.append(record)
    await journal.close()
    await truncate(`${directory}/${FILE}`, 70)
    await expect(openJournal(directory)).rejects.toMatchObject({ code: 'E_JOURNAL_CORRUPT' })
  })

  test('rename: what was set aside is not read, its number is not used again, and writing goes on', async () => {
    const parent = await folder()
    const { bytes, sizes } = await threeRecords(`${parent}/whole`)
    const directory = await withFile(parent, 'damaged', Buffer.from(bytes).fill(120, sizes[0], (sizes[0] ?? 0) + 3))
    const { journal, found } = await openJournal(directory, { corruption: 'rename', onRecord: undefined })
    expect(found).toEqual([])
    expect((await journal.append('on')).segment).toBe(2)
    await journal.close()
    expect(await contents(directory)).toEqual(['on'])
  })

  test('link: the good records of a damaged file still count, and it gets one second name only', async () => {
    const parent = await folder()
    const { bytes, sizes } = await threeRecords(`${parent}/whole`)
    const directory = await withFile(parent, 'damaged', Buffer.from(bytes).fill(120, sizes[0], (sizes[0] ?? 0) + 3))
    const { journal, found } = await openJournal(directory, { corruption: 'link' })
    expect(found).toEqual([records[0], records[2]])
    expect((await journal.append('on')).segment).toBe(2)
    await journal.close()
    expect(await contents(directory, { corruption: 'link' })).toEqual([records[0], records[2], 'on'])
    expect((await readdir(directory)).filter((name) => name.includes('corrupt'))).toEqual([`${FILE}.corrupt-1`])
  })

  test('files that are not ours are left alone', async () => {
    const directory = await folder()
    await threeRecords(directory)
    await copyFile(`${directory}/${FILE}`, `${directory}/notes.jsonl`)
    await appendFile(`${directory}/README`, 'mine')
    expect(await contents(directory)).toEqual(records)
  })
})
