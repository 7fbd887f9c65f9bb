import { expect, test } from 'vitest'
import { seededRandom } from '../processes/seeded-random.ts'
import { HeapFloor } from './heap-floor.ts'

const mib = 1024 * 1024
const eventsPerStep = 6_000

/** An hour as the heap of a connector looks: it warms up, and above what lives there are up to 6 MiB of garbage at the lowest of a minute. */
const hour = ({ bytesPerEvent, steps = 60, seed }: { bytesPerEvent: number; steps?: number; seed: number }): HeapFloor => {
  const random = seededRandom(seed)
  const floor = new HeapFloor()
  for (let step = 0; step < steps; step += 1) {
    const live = step < 3 ? 14 + 4 * step : 26
    floor.add(live * mib + random() * 6 * mib + step * eventsPerStep * bytesPerEvent)
  }
  return floor
}

const seeds = Array.from({ length: 50 }, (_, seed) => seed)

test('a leak of 60 bytes an event is found within the hour, whatever garbage lies about', () => {
  for (const seed of seeds) expect(hour({ bytesPerEvent: 60, seed }).leaked, `seed ${seed}`).toBeGreaterThan(8 * mib)
})

test('warming up and garbage alone are no leak', () => {
  for (const seed of seeds) expect(hour({ bytesPerEvent: 0, seed }).leaked, `seed ${seed}`).toBeUndefined()
})

test('a few steps say nothing', () => {
  expect(hour({ bytesPerEvent: 1_000, steps: 26, seed: 1 }).leaked).toBeUndefined()
  expect(hour({ bytesPerEvent: 1_000, steps: 27, seed: 1 }).leaked).toBeGreaterThan(8 * mib)
})
