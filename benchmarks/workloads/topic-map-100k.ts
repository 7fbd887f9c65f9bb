import { TopicMap, type ListedFunction, type TopicMapOptions } from '@millrace/sdk'
import { defaultPolicy } from '../../packages/sdk/src/core/function-policy.ts'
import type { Benchmark } from '../lib/benchmark.ts'

const options: TopicMapOptions = { defaults: defaultPolicy }

/** Nine in ten want an exact topic, one in ten a pattern. */
const listOf = (count: number): ListedFunction[] =>
  Array.from({ length: count }, (_, n) => ({
    name: `fn-${n}`,
    namespace: 'openfaas-fn',
    annotations: new Map([['topic', n % 10 === 0 ? `region-${n}.*.created` : `orders-${n}.created`]]),
  }))

/** Nanoseconds per call: the median of batches, since a single call is shorter than the clock's tick. */
const nanosecondsPer = (topics: readonly string[], map: TopicMap, rounds: number): number => {
  const times: number[] = []
  let found = 0
  for (let round = 0; round < rounds; round += 1) {
    const start = process.hrtime.bigint()
    for (const topic of topics) found += map.match(topic).length
    times.push(Number(process.hrtime.bigint() - start) / topics.length)
  }
  if (found === 0) throw new Error('nothing matched')
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0
}

const measure = (count: number, rounds: number): { exact: number; mix: number; buildUs: number } => {
  const start = performance.now()
  const map = TopicMap.build(listOf(count), options)
  const buildUs = ((performance.now() - start) * 1000) / count
  const pick = (n: number): number => (n * 7_919) % count
  const exact = Array.from({ length: 1_000 }, (_, n) => `orders-${pick(n)}.created`)
  const mix = Array.from({ length: 1_000 }, (_, n) => (n % 2 === 0 ? `region-${pick(n)}.r${n % 50}.created` : `orders-${pick(n)}.created`))
  return { exact: nanosecondsPer(exact, map, rounds), mix: nanosecondsPer(mix, map, rounds), buildUs }
}

export const topicMap100k: Benchmark = {
  name: 'topic-map-100k',
  about: 'a wildcard mix in a map of 100,000 functions against the same in a map of 10',
  goal: { atMost: 3 },
  run(quick) {
    const rounds = quick ? 200 : 2_000
    measure(10_000, 20)
    const small = measure(10, rounds)
    const medium = measure(10_000, 20)
    const large = measure(100_000, rounds)
    const flat = large.buildUs / medium.buildUs
    const notes = [
      `exact match, median: ${small.exact.toFixed(0)} ns at 10, ${large.exact.toFixed(0)} ns at 100,000 (goal <= 1,000)`,
      `rebuild per function: ${medium.buildUs.toFixed(1)} µs at 10,000, ${large.buildUs.toFixed(1)} µs at 100,000 (${flat.toFixed(2)} times)`,
    ]
    const alsoMet = small.exact <= 1_000 && large.exact <= 1_000 && flat <= 1.5
    return Promise.resolve({ ours: large.mix, baseline: small.mix, unit: 'ns', notes, alsoMet })
  },
}
