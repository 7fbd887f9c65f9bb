import { expect, test } from 'vitest'
import { realDisk, type Disk } from '../../../src/ports/journal/disk.ts'
import { openSpool, type SpoolEntry } from '../../../src/ports/spool/spool.ts'
import { manualClock } from '../../../src/testing/manual-clock.ts'
import { recordingLogger } from '../journal/recording-logger.ts'
import { tempFolders } from '../journal/temp-folder.ts'
import { sampleEvent } from './sample-events.ts'

const folder = tempFolders()
const turn = (): Promise<void> => new Promise((done) => void setImmediate(done))

test('while the disk is full, what is settled is noted once a second, however much it is, and all of it when there is room', async () => {
  const state = { full: false, writes: 0 }
  const disk: Disk = {
    ...realDisk,
    write: async (file, bytes, position) => {
      if (!state.full) return realDisk.write(file, bytes, position)
      state.writes += 1
      throw Object.assign(new Error('planted: no space left'), { code: 'ENOSPC' })
    },
  }
  const directory = await folder()
  const clock = manualClock()
  const logger = recordingLogger()
  const spool = await openSpool({ directory, clock, logger, disk })
  const entries = await Promise.all(Array.from({ length: 3_000 }, (_, n) => spool.accept(sampleEvent(n), 'p0')))
  state.full = true
  await expect(spool.accept(sampleEvent(3_000), 'p0')).rejects.toMatchObject({ code: 'E_JOURNAL_IO' })
  state.writes = 0
  for (const [n, entry] of entries.entries()) {
    spool.settle(entry as SpoolEntry)
    if (n % 10 > 0) continue
    // 300 looks in three seconds of its clock.
    clock.advance(10)
    for (let wait = 0; wait < 20; wait += 1) await turn()
  }
  expect(state.writes).toBeGreaterThan(0)
  expect(state.writes).toBeLessThanOrEqual(6)
  expect(logger.lines.filter(({ level }) => level === 'warn').length).toBeLessThanOrEqual(6)
  state.full = false
  clock.advance(1_000)
  await spool.close()
  const again = await openSpool({ directory, clock, logger })
  expect(again.stats().events).toBe(0)
  await again.close()
})
