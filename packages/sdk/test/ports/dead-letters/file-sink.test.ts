import { appendFile, readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { fileDeadLetters } from '../../../src/ports/dead-letters/file-sink.ts'
import { readLetters, type LetterProblem, type StoredLetter } from '../../../src/ports/dead-letters/letter-reader.ts'
import { memoryDeadLetters } from '../../../src/ports/dead-letters/memory-sink.ts'
import { recordingLogger } from '../journal/recording-logger.ts'
import { tempFolders } from '../journal/temp-folder.ts'
import { sampleLetter } from './sample-letter.ts'

const folder = tempFolders()
const FILE = '0000000001.jsonl'

const collect = async (letters: AsyncIterable<StoredLetter>): Promise<StoredLetter[]> => {
  const all: StoredLetter[] = []
  for await (const letter of letters) all.push(letter)
  return all
}

const idsOf = (letters: readonly StoredLetter[]): readonly string[] => letters.map(({ letter }) => letter.event.id)

describe('dead letters in files', () => {
  test('letters come back whole, in order, over several files, with their places', async () => {
    const directory = await folder()
    const sink = await fileDeadLetters({ directory, maxSegmentBytes: 1000 })
    expect(sink.name).toBe(`file:${directory}`)
    for (let n = 0; n < 10; n++) await sink.write(sampleLetter(n))
    const read = await collect(sink.read())
    expect(read.map(({ letter }) => letter)).toEqual(Array.from({ length: 10 }, (_, n) => sampleLetter(n)))
    expect(new Set(read.map(({ position, file }) => `${file}:${position.segment}:${position.offset}`)).size).toBe(10)
    expect(read.at(-1)?.position.segment).toBeGreaterThan(1)
    await sink.close()
    const again = await fileDeadLetters({ directory })
    await again.write(sampleLetter(10))
    expect(await collect(again.read())).toHaveLength(11)
    await again.close()
  })

  test('another process reads while this one writes: an unfinished record at the end is left out', async () => {
    const directory = await folder()
    const sink = await fileDeadLetters({ directory })
    await sink.write(sampleLetter(1))
    await sink.write(sampleLetter(2))
    const file = `${directory}/${FILE}`
    const whole = await readFile(file)
    const first = whole.indexOf('\n', whole.indexOf('\n') + 1) + 1
    for (let end = first + 1; end < whole.length; end += 7) {
      await writeFile(file, whole.subarray(0, end))
      expect(idsOf(await collect(readLetters(directory)))).toEqual(['event-1'])
      expect(idsOf(await collect(readLetters(file)))).toEqual(['event-1'])
    }
    await sink.close()
  })

  test('a damaged record is reported with its place, and the others are read', async () => {
    const directory = await folder()
    const sink = await fileDeadLetters({ directory })
    for (const n of [1, 2, 3]) await sink.write(sampleLetter(n))
    await sink.close()
    const file = `${directory}/${FILE}`
    const bytes = await readFile(file)
    await writeFile(file, bytes.fill(120, bytes.indexOf('event-2'), bytes.indexOf('event-2') + 3))
    const problems: LetterProblem[] = []
    expect(idsOf(await collect(readLetters(directory, { onProblem: (problem) => problems.push(problem) })))).toEqual(['event-1', 'event-3'])
    expect(problems).toMatchObject([{ file, error: { code: 'E_LETTER_MALFORMED' } }])
    await expect(collect(readLetters(directory))).rejects.toMatchObject({ code: 'E_LETTER_MALFORMED' })

    const logger = recordingLogger()
    const again = await fileDeadLetters({ directory, logger })
    expect(logger.lines).toMatchObject([{ level: 'error', fields: { code: 'E_JOURNAL_CORRUPT' } }])
    await again.write(sampleLetter(4))
    expect(idsOf(await collect(again.read()))).toEqual(['event-4'])
    await again.close()
    const aside = `${directory}/${FILE}.corrupt-1`
    expect(idsOf(await collect(readLetters(aside, { onProblem: () => undefined })))).toEqual(['event-1', 'event-3'])
  })

  test('a torn older file is reported, not passed over', async () => {
    const directory = await folder()
    const sink = await fileDeadLetters({ directory, maxSegmentBytes: 1 })
    for (const n of [1, 2]) await sink.write(sampleLetter(n))
    await sink.close()
    await truncate(`${directory}/${FILE}`, (await readFile(`${directory}/${FILE}`)).length - 5)
    await expect(collect(readLetters(directory))).rejects.toMatchObject({ code: 'E_LETTER_MALFORMED' })
  })

  test('files that are not letters are coded errors', async () => {
    const directory = await folder()
    await expect(collect(readLetters(`${directory}/none`))).rejects.toMatchObject({ code: 'E_JOURNAL_IO' })
    await appendFile(`${directory}/other.txt`, 'hello\nworld\n')
    await expect(collect(readLetters(`${directory}/other.txt`))).rejects.toMatchObject({ code: 'E_LETTER_MALFORMED' })
    expect(await collect(readLetters(directory))).toEqual([])
  })

  test('a directory that cannot be made is a coded error', async () => {
    const parent = await folder()
    await writeFile(`${parent}/file`, '')
    await expect(fileDeadLetters({ directory: `${parent}/file/below` })).rejects.toMatchObject({ code: 'E_JOURNAL_IO' })
    expect(await readdir(parent)).toEqual(['file'])
  })

  test('in memory, for tests', async () => {
    const sink = memoryDeadLetters()
    await sink.write(sampleLetter(1))
    expect(sink.letters).toEqual([sampleLetter(1)])
  })
})
