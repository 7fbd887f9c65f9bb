import { copyFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { manualClock } from '../../../src/testing/manual-clock.ts'
import { openSpool } from '../../../src/ports/spool/spool.ts'
import { recordingLogger } from '../journal/recording-logger.ts'
import { tempFolders } from '../journal/temp-folder.ts'
import { sampleEvent } from './sample-events.ts'

const folder = tempFolders()
const options = { maxSegmentBytes: 1500, clock: manualClock(), logger: recordingLogger() }

/** What a crash at this moment would leave: a copy made in one turn, without the lock. A file may go while it is copied. */
const crashImage = (from: string, to: string): void => {
  for (let tries = 0; ; tries++) {
    rmSync(to, { recursive: true, force: true })
    mkdirSync(to)
    try {
      for (const name of readdirSync(from)) if (!name.startsWith('lock')) copyFileSync(`${from}/${name}`, `${to}/${name}`)
      return
    } catch (error) {
      if (tries > 5) throw error
    }
  }
}

const pendingIds = async (directory: string): Promise<readonly number[]> => {
  const spool = await openSpool({ directory, ...options })
  const found: number[] = []
  for await (const { event } of spool.pending()) found.push(Number(event.id.slice('event-'.length)))
  await spool.close()
  return found
}

type Step =
  | { readonly kind: 'accept'; readonly sizes: readonly number[] }
  | { readonly kind: 'settle'; readonly picks: readonly number[] }
  | { readonly kind: 'crash' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('accept' as const), sizes: fc.array(fc.nat(300), { minLength: 1, maxLength: 8 }) }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('settle' as const), picks: fc.array(fc.nat(), { minLength: 1, maxLength: 10 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const) }) },
)

test('T4: whenever it crashes, what was accepted and not settled is there, once and in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
      const root = await folder()
      const directory = `${root}/live`
      const clock = manualClock()
      const spool = await openSpool({ directory, ...options, clock })
      const unsettled = new Map<number, { readonly seq: number }>()
      const accepted = new Set<number>()
      let next = 0
      for (const { kind, ...rest } of [...steps, { kind: 'crash' } as const]) {
        if (kind === 'accept' && 'sizes' in rest) {
          await Promise.all(
            rest.sizes.map(async (size) => {
              const n = next++
              const entry = await spool.accept(sampleEvent(n, size), 'i')
              if (entry !== undefined) unsettled.set(n, entry)
              accepted.add(n)
            }),
          )
        } else if (kind === 'settle' && 'picks' in rest) {
          for (const pick of rest.picks) {
            const n = [...unsettled.keys()][pick % Math.max(1, unsettled.size)]
            if (n === undefined) break
            spool.settle(unsettled.get(n) ?? { seq: -1 })
            unsettled.delete(n)
          }
          clock.advance(20)
        } else {
          crashImage(directory, `${root}/image`)
          const found = await pendingIds(`${root}/image`)
          expect(found).toEqual([...new Set(found)].toSorted((a, b) => a - b))
          expect([...unsettled.keys()].filter((n) => !found.includes(n))).toEqual([])
          expect(found.filter((n) => !accepted.has(n))).toEqual([])
        }
      }
      await spool.close()
      expect(await pendingIds(directory)).toEqual([...unsettled.keys()].toSorted((a, b) => a - b))
    }),
    { numRuns: 12 },
  )
})
