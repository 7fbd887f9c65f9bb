import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { manualClock } from '../../../src/testing/manual-clock.ts'
import { openSpool, type PendingEvent, type Spool, type SpoolEntry, type SpoolOptions } from '../../../src/ports/spool/spool.ts'
import { recordingLogger } from '../journal/recording-logger.ts'
import { tempFolders } from '../journal/temp-folder.ts'
import { sampleEvent } from './sample-events.ts'

const folder = tempFolders()

const open = async (directory: string, options: Partial<SpoolOptions> = {}): Promise<Spool> =>
  openSpool({ directory, clock: manualClock(), logger: recordingLogger(), ...options })

const taken = async (spool: Spool, n: number, size?: number): Promise<SpoolEntry> => {
  const entry = await spool.accept(sampleEvent(n, size), `intake-${n}`)
  if (entry === undefined) throw new Error('the spool is full')
  return entry
}

const pendingOf = async (spool: Spool): Promise<PendingEvent[]> => {
  const all: PendingEvent[] = []
  for await (const pending of spool.pending()) all.push(pending)
  return all
}

const ids = (pending: readonly PendingEvent[]): readonly string[] => pending.map(({ event }) => event.id)

const files = async (directory: string): Promise<string[]> =>
  (await readdir(directory)).filter((name) => name.endsWith('.jsonl')).toSorted()

describe('spool replay', () => {
  test('T4: what was accepted and not settled comes back, whole and in order', async () => {
    const directory = await folder()
    const spool = await open(directory)
    const entries = await Promise.all([1, 2, 3, 4].map((n) => taken(spool, n)))
    spool.settle(entries[1] as SpoolEntry)
    spool.settle(entries[1] as SpoolEntry)
    expect(spool.stats()).toMatchObject({ events: 3 })
    await spool.close()

    const again = await open(directory)
    const pending = await pendingOf(again)
    expect(pending.map(({ event, intake }) => ({ event, intake }))).toEqual(
      [1, 3, 4].map((n) => ({ event: sampleEvent(n), intake: `intake-${n}` })),
    )
    for (const { entry } of pending) again.settle(entry)
    expect((await taken(again, 5)).seq).toBeGreaterThan(entries[3]?.seq ?? Number.POSITIVE_INFINITY)
    await again.close()

    const last = await open(directory)
    expect(ids(await pendingOf(last))).toEqual(['event-5'])
    await last.close()
  })

  test('settled events are noted a little later, by the clock', async () => {
    const directory = await folder()
    const clock = manualClock()
    const spool = await open(directory, { clock })
    spool.settle(await taken(spool, 1))
    expect(clock.pending).toBe(1)
    clock.advance(20)
    expect(clock.pending).toBe(0)
    await taken(spool, 2)
    expect(await readFile(`${directory}/0000000001.jsonl`, 'utf8')).toMatch(/^\{"settled":\[1\]\}\t/m)
    await spool.close()
  })

  test('only what was there at the open is replayed, without what is settled meanwhile', async () => {
    const directory = await folder()
    const spool = await open(directory)
    for (const n of [1, 2, 3]) await taken(spool, n)
    await spool.close()
    const again = await open(directory)
    const seen: string[] = []
    for await (const { event } of again.pending()) {
      seen.push(event.id)
      if (event.id === 'event-1') {
        await taken(again, 9)
        again.settle({ seq: 2 })
      }
    }
    expect(seen).toEqual(['event-1', 'event-3'])
    await again.close()
  })

  test('good events of a damaged file are replayed; the file keeps a second name and the log an error', async () => {
    const directory = await folder()
    const spool = await open(directory)
    for (const n of [1, 2, 3]) await taken(spool, n)
    await spool.close()
    const file = `${directory}/0000000001.jsonl`
    const bytes = await readFile(file)
    await writeFile(file, bytes.fill(120, bytes.indexOf('event-2'), bytes.indexOf('event-2') + 3))
    const logger = recordingLogger()
    const again = await open(directory, { logger })
    const pending = await pendingOf(again)
    expect(ids(pending)).toEqual(['event-1', 'event-3'])
    expect(logger.lines).toMatchObject([{ level: 'error', fields: { code: 'E_JOURNAL_CORRUPT' } }])
    for (const { entry } of pending) again.settle(entry)
    await expect.poll(() => files(directory)).toEqual([])
    await again.close()
    expect(await readdir(directory)).toContain('0000000001.jsonl.corrupt-1')
  })

  test('damage that comes after the open is seen before the event is replayed', async () => {
    const directory = await folder()
    const spool = await open(directory)
    for (const n of [1, 2]) await taken(spool, n)
    await spool.close()
    const logger = recordingLogger()
    const again = await open(directory, { logger })
    const file = `${directory}/0000000001.jsonl`
    const bytes = await readFile(file)
    await writeFile(file, bytes.fill(120, bytes.indexOf('event-1'), bytes.indexOf('event-1') + 3))
    expect(ids(await pendingOf(again))).toEqual(['event-2'])
    expect(logger.lines).toMatchObject([{ level: 'error', fields: { code: 'E_JOURNAL_IO' } }])
    await again.close()
  })

  test('two spools in one directory: the second is refused', async () => {
    const directory = await folder()
    const spool = await open(directory)
    await expect(open(directory)).rejects.toMatchObject({ code: 'E_JOURNAL_LOCKED' })
    await spool.close()
  })
})

describe('spool bounds', () => {
  test('the number of events, also of those being written', async () => {
    const spool = await open(await folder(), { maxEvents: 3 })
    const entries = await Promise.all([1, 2, 3, 4, 5].map((n) => spool.accept(sampleEvent(n), 'i')))
    expect(entries.map((entry) => entry?.seq)).toEqual([1, 2, 3, undefined, undefined])
    spool.settle(entries[0] as SpoolEntry)
    expect(await spool.accept(sampleEvent(6), 'i')).toBeDefined()
    expect(await spool.accept(sampleEvent(7), 'i')).toBeUndefined()
    await spool.close()
  })

  test('T32: bytes; an event larger than the whole spool is refused, and the bound holds over a restart', async () => {
    const directory = await folder()
    const options = { maxBytes: 10_000 }
    const spool = await open(directory, options)
    expect(await spool.accept(sampleEvent(1, 10_001), 'i')).toBeUndefined()
    expect(await spool.accept(sampleEvent(2, 7000), 'i')).toBeDefined()
    expect(await spool.accept(sampleEvent(3, 1000), 'i')).toBeUndefined()
    expect(await spool.accept(sampleEvent(4, 0), 'i')).toBeDefined()
    const before = spool.stats()
    await spool.close()
    const again = await open(directory, options)
    expect(again.stats()).toMatchObject({ events: before.events, bytes: before.bytes })
    expect(await again.accept(sampleEvent(5, 1000), 'i')).toBeUndefined()
    await again.close()
  })

  test('a settled file is deleted', async () => {
    const directory = await folder()
    const spool = await open(directory, { maxSegmentBytes: 2000 })
    for (let n = 0; n < 100; n++) spool.settle(await taken(spool, n, 200))
    await expect.poll(() => spool.stats().files).toBeLessThan(3)
    await spool.close()
  })

  test('one event that never settles does not hold the space of later ones, and comes back first', async () => {
    const directory = await folder()
    const segment = 4000
    const spool = await open(directory, { maxSegmentBytes: segment })
    await taken(spool, 0, 200)
    for (let n = 1; n < 400; n++) {
      spool.settle(await taken(spool, n, 200))
      expect(spool.stats().diskBytes).toBeLessThan(8 * segment)
    }
    await taken(spool, 400)
    await spool.close()
    expect(
      (await Promise.all((await files(directory)).map((name) => stat(`${directory}/${name}`)))).reduce((sum, { size }) => sum + size, 0),
    ).toBeLessThan(7 * segment)
    const again = await open(directory, { maxSegmentBytes: segment })
    expect(ids(await pendingOf(again))).toEqual(['event-0', 'event-400'])
    await again.close()
  })

  test('cleaning while a replay runs loses and repeats nothing', async () => {
    const directory = await folder()
    const options = { maxSegmentBytes: 2000 }
    const spool = await open(directory, options)
    const kept: number[] = []
    for (let n = 0; n < 120; n++) {
      const entry = await taken(spool, n, 200)
      if (n % 10 === 0) kept.push(n)
      else spool.settle(entry)
    }
    await spool.close()
    const again = await open(directory, options)
    const seen: string[] = []
    for await (const { event } of again.pending()) {
      seen.push(event.id)
      for (let n = 0; n < 10; n++) again.settle(await taken(again, 1000 + n, 200))
    }
    expect(seen).toEqual(kept.map((n) => `event-${n}`))
    await again.close()
    const last = await open(directory, options)
    expect(ids(await pendingOf(last))).toEqual(kept.map((n) => `event-${n}`))
    await last.close()
  })
})
