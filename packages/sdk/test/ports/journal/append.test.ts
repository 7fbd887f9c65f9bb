import { readdir, readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { realDisk } from '../../../src/ports/journal/disk.ts'
import { contents, openJournal } from './open-journal.ts'
import { tempFolders } from './temp-folder.ts'

const folder = tempFolders()

describe('journal append', () => {
  test('records come back in order, texts and bytes alike', async () => {
    const directory = await folder()
    const { journal } = await openJournal(directory)
    const committed: number[] = []
    const positions = await Promise.all([
      journal.append('{"n":1}', () => committed.push(1)),
      journal.append(Buffer.from('{"n":2,"t":"\\t"}'), () => committed.push(2)),
      journal.append('', () => committed.push(3)),
    ])
    await journal.close()
    expect(committed).toEqual([1, 2, 3])
    expect(positions.map(({ segment }) => segment)).toEqual([1, 1, 1])
    expect(await contents(directory)).toEqual(['{"n":1}', '{"n":2,"t":"\\t"}', ''])
  })

  test('10,000 appends of one turn share a handful of syncs', async () => {
    let syncs = 0
    const disk = {
      ...realDisk,
      sync: (file: Parameters<typeof realDisk.sync>[0]) => {
        syncs++
        return realDisk.sync(file)
      },
    }
    const directory = await folder()
    const { journal } = await openJournal(directory, { disk })
    await Promise.all(Array.from({ length: 10_000 }, (_, index) => journal.append(`{"n":${index}}`)))
    expect(syncs).toBe(1)
    await journal.close()
    expect(await contents(directory)).toHaveLength(10_000)
  })

  test('records of one call lie in a row between others, and the places of all are where they can be read', async () => {
    const directory = await folder()
    const { journal } = await openJournal(directory)
    const order: string[] = []
    const places = await Promise.all([
      journal.append('{"n":"ä"}', () => order.push('one')),
      journal.appendAll(['{"n":"☃"}', '{"n":"😀"}'], () => order.push('two')),
      journal.append(Buffer.from('{"n":4}'), () => order.push('three')),
      journal.append('{"n":5}'),
    ])
    await journal.close()
    expect(order).toEqual(['one', 'two', 'three'])
    const file = await readFile(journal.path(1))
    const at = places.map(({ offset }) => file.toString('utf8', offset, file.indexOf('\t', offset)))
    expect(at).toEqual(['{"n":"ä"}', '{"n":"☃"}', '{"n":4}', '{"n":5}'])
    expect(await contents(directory)).toEqual(['{"n":"ä"}', '{"n":"☃"}', '{"n":"😀"}', '{"n":4}', '{"n":5}'])
  })

  test('one record too large among several: none of them is written', async () => {
    const directory = await folder()
    const { journal } = await openJournal(directory, { maxRecordBytes: 10 })
    await expect(journal.appendAll(['a', 'b'.repeat(11)])).rejects.toMatchObject({ code: 'E_JOURNAL_RECORD' })
    await journal.append('c')
    await journal.close()
    expect(await contents(directory)).toEqual(['c'])
  })

  test('a full file is followed by the next, and each is readable as JSON lines', async () => {
    const directory = await folder()
    const { journal } = await openJournal(directory, { maxSegmentBytes: 200 })
    for (let i = 0; i < 12; i++) await journal.append(JSON.stringify({ i, pad: 'x'.repeat(50) }))
    expect(journal.segments).toBeGreaterThan(3)
    await journal.close()
    const files = (await readdir(directory)).filter((name) => name.endsWith('.jsonl'))
    const first = (await readFile(`${directory}/${files.toSorted()[0]}`, 'utf8')).split('\n').map((line) => line.split('\t')[0])
    expect(first[0]).toBe('{"millrace":"spool","version":1}')
    expect(first[1]).toBe(JSON.stringify({ i: 0, pad: 'x'.repeat(50) }))
    const found = await contents(directory)
    expect(found.map((text) => (JSON.parse(text) as { i: number }).i)).toEqual(Array.from({ length: 12 }, (_, i) => i))
  })

  test('T32: what could not be read back, or is too much, is refused and hurts nothing else', async () => {
    const directory = await folder()
    const { journal } = await openJournal(directory, { maxRecordBytes: 100, maxPendingBytes: 150 })
    await expect(journal.append('a\nb')).rejects.toMatchObject({ code: 'E_JOURNAL_RECORD' })
    await expect(journal.append('x'.repeat(101))).rejects.toMatchObject({ code: 'E_JOURNAL_RECORD' })
    const first = journal.append('x'.repeat(100))
    await expect(journal.append('y'.repeat(51))).rejects.toMatchObject({ code: 'E_JOURNAL_BUSY', retryable: true })
    await first
    await journal.append('y'.repeat(51))
    await journal.close()
    await expect(journal.append('late')).rejects.toMatchObject({ code: 'E_JOURNAL_CLOSED' })
    expect(await contents(directory)).toEqual(['x'.repeat(100), 'y'.repeat(51)])
  })

  test('closing writes what waits', async () => {
    const directory = await folder()
    const { journal } = await openJournal(directory)
    const written = Promise.all([journal.append('a'), journal.append('b')])
    await journal.close()
    await written
    expect(await contents(directory)).toEqual(['a', 'b'])
  })

  test('a rotation lies between what came before and what came after', async () => {
    const directory = await folder()
    const { journal } = await openJournal(directory)
    const seen: string[] = []
    const before = journal.append('a', () => seen.push('a'))
    const next = journal.rotate((segment) => seen.push(`boundary ${segment}`))
    const after = journal.append('b', () => seen.push('b'))
    const [a, number, b] = await Promise.all([before, next, after])
    expect(seen).toEqual(['a', 'boundary 2', 'b'])
    expect([a.segment, number, b.segment]).toEqual([1, 2, 2])
    await journal.remove(1)
    await journal.close()
    expect(await contents(directory)).toEqual(['b'])
  })

  test('a directory that is a file is a coded error that names it', async () => {
    const directory = `${await folder()}/file`
    const { writeFile } = await import('node:fs/promises')
    await writeFile(directory, 'x')
    await expect(openJournal(directory)).rejects.toMatchObject({ code: 'E_JOURNAL_IO', context: { path: directory } })
  })

  test('the journal of another purpose is refused and left alone', async () => {
    const directory = await folder()
    const { journal } = await openJournal(directory)
    await journal.append('a')
    await journal.close()
    await expect(openJournal(directory, { kind: 'state' })).rejects.toMatchObject({ code: 'E_JOURNAL_FORMAT' })
    expect(await contents(directory)).toEqual(['a'])
  })
})
