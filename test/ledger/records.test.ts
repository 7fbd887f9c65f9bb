import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { scratchFolder, type ScratchFolder } from '../processes/reaper.ts'
import { createPublisher } from './publisher.ts'
import { appendTo, followRecords, readRecords, type PublishRecord } from './records.ts'

let folder: ScratchFolder
let path: string

beforeEach(() => {
  folder = scratchFolder('records')
  path = join(folder.path, 'file')
})
afterEach(() => folder.remove())

test('what was added is read again, over several openings', () => {
  for (const value of [1, 2]) {
    const file = appendTo<{ value: number }>(path)
    file.add({ value })
    file.close()
    file.close()
    file.add({ value: 99 })
  }
  expect(readRecords(path)).toEqual([{ value: 1 }, { value: 2 }])
})

test('no file has no records', () => {
  expect(readRecords(path)).toEqual([])
})

test('the half line of a writer that was killed is left out, and the next writer cuts it off', () => {
  writeFileSync(path, '{"value":1}\n')
  appendFileSync(path, '{"val')
  expect(readRecords(path)).toEqual([{ value: 1 }])
  const file = appendTo(path)
  file.add({ value: 2 })
  file.close()
  expect(readRecords(path)).toEqual([{ value: 1 }, { value: 2 }])
})

test('one that follows a file has what was added since, each line once it is whole, and what it gave before stays as it was', () => {
  const read = followRecords(path)
  expect(read()).toEqual([])
  writeFileSync(path, '{"value":"é"}\n{"val')
  const first = read()
  expect(first).toEqual([{ value: 'é' }])
  appendFileSync(path, 'ue":2}\n')
  expect(read()).toEqual([{ value: 'é' }, { value: 2 }])
  expect(first).toHaveLength(1)
  // The next writer cuts off what the one before left, and that was never read.
  appendFileSync(path, '{"torn')
  read()
  const file = appendTo(path)
  file.add({ value: 3 })
  file.close()
  expect(read()).toEqual([{ value: 'é' }, { value: 2 }, { value: 3 }])
  appendFileSync(path, 'rubbish\n')
  expect(read).toThrow(`${path}:4 is not a record: rubbish`)
})

test('damage elsewhere is an error that names the line', () => {
  writeFileSync(path, '{"value":1}\nrubbish\n{"value":2}\n')
  expect(() => readRecords(path)).toThrow(`${path}:2 is not a record: rubbish`)
})

test('the publisher numbers each key without gaps, and notes an event before and after', () => {
  const publisher = createPublisher({ path, keys: 2, prefix: 'x', bytes: 100 })
  const events = [publisher.next(), publisher.next(), publisher.next()]
  expect(events.map(({ id, key, sequence }) => [id, key, sequence])).toEqual([
    ['x-0', 'k0', 0],
    ['x-1', 'k1', 0],
    ['x-2', 'k0', 1],
  ])
  expect(events.map(({ body }) => body.length)).toEqual([100, 100, 100])
  expect(JSON.parse(events[2]?.body ?? '')).toMatchObject({ id: 'x-2', key: 'k0', sequence: 1 })
  expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(4)
  publisher.confirm('x-1', { intake: 'p', offset: 7 })
  expect(publisher).toMatchObject({ sent: 3, confirmed: 1 })
  publisher.close()
  expect(readRecords<PublishRecord>(path).at(-1)).toEqual({ kind: 'confirmed', id: 'x-1', position: { intake: 'p', offset: 7 } })
})
