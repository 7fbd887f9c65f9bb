/** A process that writes as fast as it can and prints what was acknowledged: `acked N` after each. Arguments: what, directory. */
import { fileDeadLetters } from '../../../src/ports/dead-letters/file-sink.ts'
import { openSpool } from '../../../src/ports/spool/spool.ts'
import { fileState } from '../../../src/ports/state/file-store.ts'
import { systemClock } from '../../../src/ports/system-clock.ts'
import { sampleLetter } from '../dead-letters/sample-letter.ts'
import { sampleEvent } from '../spool/sample-events.ts'
import { recordingLogger } from './recording-logger.ts'

const [what, directory = '', from = '0'] = process.argv.slice(2)

const writers: Record<string, () => Promise<(n: number) => Promise<unknown>>> = {
  letters: async () => {
    const sink = await fileDeadLetters({ directory, maxSegmentBytes: 20_000 })
    return (n) => sink.write(sampleLetter(n))
  },
  spool: async () => {
    const spool = await openSpool({ directory, maxSegmentBytes: 20_000, clock: systemClock, logger: recordingLogger() })
    return async (n) => {
      const entry = await spool.accept(sampleEvent(n, 200), 'i')
      // Three of four settle, so that files are cleaned while the process dies.
      if (entry !== undefined && n % 4 !== 0) spool.settle(entry)
    }
  },
  state: async () => {
    const store = await fileState({ directory, clock: systemClock, snapshotAfterBytes: 20_000 })
    return async (n) => {
      const key = `key-${n % 50}`
      const before = await store.get(key)
      await store.put(key, new TextEncoder().encode(String(n)), before?.version ?? 'absent')
    }
  },
}

const write = await writers[what ?? '']?.()
if (write === undefined) throw new Error(`unknown: ${what}`)
let next = Number(from)
const lane = async (): Promise<void> => {
  for (;;) {
    const n = next++
    await write(n)
    process.stdout.write(`acked ${n}\n`)
  }
}
await Promise.all(Array.from({ length: 16 }, lane))
