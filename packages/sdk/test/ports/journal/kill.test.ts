import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { readLetters } from '../../../src/ports/dead-letters/letter-reader.ts'
import { openSpool } from '../../../src/ports/spool/spool.ts'
import { fileState } from '../../../src/ports/state/file-store.ts'
import { manualClock } from '../../../src/testing/manual-clock.ts'
import { recordingLogger } from './recording-logger.ts'
import { tempFolders } from './temp-folder.ts'

const folder = tempFolders()
const script = fileURLToPath(new URL('killed-writer.ts', import.meta.url))

/** Starts the writer, kills it with -9 after `acks` acknowledgements, returns what it had acknowledged. */
const writeAndKill = async (what: string, directory: string, from: number, acks: number): Promise<readonly number[]> => {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, what, directory, String(from)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let seen = 0
  let problem = ''
  child.stderr.on('data', (chunk: Buffer) => (problem += chunk.toString()))
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString()
    seen += chunk.toString().split('\n').length - 1
    if (seen >= acks) child.kill('SIGKILL')
  })
  const [, signal] = (await once(child, 'close')) as [number | null, string | null]
  expect({ signal, problem }).toEqual({ signal: 'SIGKILL', problem: '' })
  return [...out.matchAll(/acked (\d+)\n/g)].map((match) => Number(match[1]))
}

/** Lives of a writer on one directory; each takes over the lock of the one that was killed. */
const lives = async (what: string, directory: string, ...acks: readonly number[]): Promise<readonly number[]> => {
  const acked: number[] = []
  for (const [life, count] of acks.entries()) acked.push(...(await writeAndKill(what, directory, life * 100_000, count)))
  expect(acked.length).toBeGreaterThan(600)
  return acked
}

describe('T1: kill -9 while writing', () => {
  test('every acknowledged dead letter is found, once', async () => {
    const directory = await folder()
    const acked = await lives('letters', directory, 40, 600)
    const found: string[] = []
    for await (const { letter } of readLetters(directory)) found.push(letter.event.id)
    expect(new Set(found).size).toBe(found.length)
    const missing = acked.filter((n) => !found.includes(`event-${n}`))
    expect(missing).toEqual([])
  })

  test('every accepted and unsettled event is replayed, in order; settled ones come again only where the mark was not yet written', async () => {
    const directory = await folder()
    const acked = await lives('spool', directory, 40, 333, 900)
    const spool = await openSpool({ directory, maxSegmentBytes: 20_000, clock: manualClock(), logger: recordingLogger() })
    const found: number[] = []
    for await (const { event } of spool.pending()) found.push(Number(event.id.slice('event-'.length)))
    await spool.close()
    const set = new Set(found)
    expect(set.size).toBe(found.length)
    expect(acked.filter((n) => n % 4 === 0 && !set.has(n))).toEqual([])
    expect(found).toEqual(found.toSorted((a, b) => a - b))
    expect(found.filter((n) => n % 4 !== 0).length).toBeLessThan(acked.length / 2)
  })

  test('every acknowledged put is there, or a later one of its key', async () => {
    const directory = await folder()
    const acked = await lives('state', directory, 111, 600)
    const store = await fileState({ directory, clock: manualClock() })
    for (let key = 0; key < 50; key++) {
      const newest = Math.max(...acked.filter((n) => n % 50 === key))
      const found = await store.get(`key-${key}`)
      expect(Number(new TextDecoder().decode(found?.value))).toBeGreaterThanOrEqual(newest)
    }
    await store.close()
  })
})
