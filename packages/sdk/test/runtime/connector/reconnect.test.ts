import { expect, test } from 'vitest'
import { manualClock } from '../../../src/testing/manual-clock.ts'
import { bench, until } from './start-connector.ts'

/** The waits of eight tries in a row, each of which takes `tookMs` and then fails. */
const waitsOf = async (tookMs: number): Promise<readonly number[]> => {
  const clock = manualClock(0)
  const waits: number[] = []
  const { connector } = await bench(
    {},
    {
      connector: {
        clock,
        random: () => 0,
        rebuildIntervalMs: 600_000,
        source: {
          name: 'away',
          replay: 'broker',
          connect: async (): Promise<never> => {
            clock.advance(tookMs)
            throw new Error('planted: nobody there')
          },
        },
      },
    },
  )
  connector.on('source:lost', ({ retryMs }) => void waits.push(retryMs))
  await connector.start()
  const end = 8
  await until('tried', () => {
    if (waits.length < end) clock.advance(250)
    return waits.length >= end
  })
  return waits.slice(0, end)
}

test('a source that cannot connect is tried again after a wait that doubles up to 30 s', async () => {
  expect(await waitsOf(1)).toEqual([250, 499, 999, 1999, 3999, 7999, 14_999, 14_999])
})

test('a source that has waited for its broker in vain is tried again soon: the wait is from one try to the next', async () => {
  expect(await waitsOf(14_000)).toEqual([250, 250, 250, 250, 250, 250, 1000, 1000])
})
