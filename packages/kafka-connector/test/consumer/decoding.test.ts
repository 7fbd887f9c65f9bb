import { expect, it } from 'vitest'
import { Partition } from '../../src/consumer/partition.ts'
import { record } from '../mapping/records.ts'

it('a partition waits for the schema of its next record, in order, and for nothing once it is closed', async () => {
  const emitted: number[] = []
  const known = new Set([0])
  const waiting = new Map<number, () => void>()
  const partition = new Partition(
    { topic: 't', partition: 0 },
    {
      emit: (one) => void emitted.push(one.offset),
      onFlow() {},
      onCompleted() {},
      onFenced() {},
      onGap() {},
      ready: (one) => (known.has(one.offset) ? undefined : new Promise((resolve) => waiting.set(one.offset, resolve))),
    },
  )
  partition.start({ offset: 0, done: [], committed: true })
  const records = [0, 1, 2, 3].map((offset) => record({ topic: 't', partition: 0, offset }))
  expect(partition.ingest({ topic: 't', partition: 0, from: 0, records, through: 4, highWatermark: 4 })).toBe(true)
  expect([emitted, partition.flows, [...waiting.keys()]]).toEqual([[0], false, [1]])
  known.add(1).add(2)
  waiting.get(1)?.()
  await Promise.resolve()
  await Promise.resolve()
  expect([emitted, [...waiting.keys()]]).toEqual([
    [0, 1, 2],
    [1, 3],
  ])
  partition.close()
  known.add(3)
  waiting.get(3)?.()
  await Promise.resolve()
  await Promise.resolve()
  expect(emitted).toEqual([0, 1, 2])
})
