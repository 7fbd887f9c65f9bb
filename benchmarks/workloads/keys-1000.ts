import { setTimeout as sleep } from 'node:timers/promises'
import type { Benchmark } from '../lib/benchmark.ts'
import { timedEngine } from '../lib/timed-engine.ts'

const slots = 100
const keys = 1_000

/** The same waits for both: 0 to 5 ms. */
const waits = (count: number): number[] => Array.from({ length: count }, (_, n) => ((n * 7_919) % 5_000) / 1_000)

/** The floor: a hundred workers that take the next wait and sleep. */
const floor = async (work: readonly number[]): Promise<number> => {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < work.length) {
      const wait = work[next] ?? 0
      next += 1
      await sleep(wait)
    }
  }
  const start = performance.now()
  await Promise.all(Array.from({ length: slots }, worker))
  return (performance.now() - start) / 1000
}

/** The delivery core at order `key`, with a timer in place of the request. */
const ours = async (work: readonly number[]): Promise<number> => {
  const done = Promise.withResolvers<void>()
  let [acked, emitted, paused] = [0, 0, false]
  const data = Buffer.alloc(100)
  const engine = timedEngine({
    slots,
    waitMs: ({ id }) => work[Number(id)] ?? 0,
    pause: () => void (paused = true),
    resume: () => {
      paused = false
      setImmediate(emit)
    },
  })
  const emit = (): void => {
    for (let batch = 0; batch < 250 && !paused && emitted < work.length; batch += 1) {
      engine.accept({
        event: { id: `${emitted}`, source: 'bench', type: 'bench', topic: 't', data, headers: [], orderingKey: `k${emitted % keys}` },
        intake: 'p0',
        ack: () => {
          acked += 1
          if (acked === work.length) done.resolve()
        },
        release: () => {},
      })
      emitted += 1
    }
    if (!paused && emitted < work.length) setImmediate(emit)
  }
  const start = performance.now()
  emit()
  await done.promise
  return (performance.now() - start) / 1000
}

export const keys1000: Benchmark = {
  name: 'keys-1000',
  about: `one partition, ${keys} keys in order, 0-5 ms of work, ${slots} at once, against the floor of ${slots} timers`,
  goal: { atMost: 1.3 },
  async run(quick) {
    const work = waits(quick ? 10_000 : 50_000)
    await floor(work.slice(0, 5_000))
    await ours(work.slice(0, 5_000))
    const pairs: [number, number][] = []
    for (let round = 0; round < 3; round += 1) pairs.push([await ours(work), await floor(work)])
    const median = (index: 0 | 1): number => pairs.map((pair) => pair[index]).toSorted((a, b) => a - b)[1] ?? 0
    return { ours: median(0), baseline: median(1), unit: 's' }
  },
}
