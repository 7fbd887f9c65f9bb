import { describe, expect, it } from 'vitest'
import type { ConsumerOptions, DriverConsumer, DriverRecord, KafkaDriver } from '../../src/driver/driver.ts'
import { MemoryCluster } from '../../src/driver/memory-driver.ts'
import { Player, turns } from './kit.ts'

const at = { topic: 't', partition: 0 }
const through = (count: number): number[] => Array.from({ length: count }, (_, offset) => offset)

/** A member over one partition, and what the client under it can be made to say. */
const bench = async (records: number, outOfRange: 'earliest' | 'latest' | 'fail' = 'earliest') => {
  const cluster = new MemoryCluster()
  cluster.createTopic('t')
  for (let count = 0; count < records; count += 1) cluster.publish(at)
  const driver = cluster.driver()
  let handlers: ConsumerOptions | undefined
  let member: DriverConsumer | undefined
  const watched: KafkaDriver = {
    ...driver,
    consume: async (options) => {
      handlers = options
      member = await driver.consume(options)
      return member
    },
  }
  const player = new Player(cluster, { driver: watched, topics: new Map([['t', 1]]), rules: { initialOffset: 'newest', outOfRange } })
  return {
    cluster,
    player,
    handlers: (): ConsumerOptions => handlers as ConsumerOptions,
    member: (): DriverConsumer => member as DriverConsumer,
    offsets: (): number[] => player.seen.map(({ offset }) => offset),
  }
}

const record = (offset: number): DriverRecord => ({ ...at, offset, key: undefined, value: undefined, headers: [] })

describe('a client that is elsewhere than its partition', () => {
  it('leaves out nothing: a batch of an earlier assignment is refused, and reading goes on at the position', async () => {
    const { cluster, player, handlers, offsets } = await bench(0)
    await player.consumer.open()
    await turns(10)
    for (let count = 0; count < 8; count += 1) cluster.publish(at)
    // A fetch that another broker's fetcher had begun before the join, and that comes now.
    expect(handlers().onBatch({ ...at, from: 5, records: [5, 6].map(record), through: 7, highWatermark: 8 })).toBe(false)
    handlers().onSkipped(at, 5, 8)
    await turns(10)
    expect(offsets()).toEqual(through(8))
    player.finishAll()
    await player.consumer.close(0)
    expect(cluster.committed('g', at)).toMatchObject({ offset: 8 })
  })

  it.each(['earliest', 'latest', 'fail'] as const)(
    'and is refused an offset that the log has goes on there, whatever the policy %s, and repeats nothing that is finished',
    async (policy) => {
      const { cluster, player, handlers, member, offsets } = await bench(0, policy)
      player.endsInDrain = false
      await player.consumer.open()
      await turns(10)
      for (let count = 0; count < 6; count += 1) cluster.publish(at)
      await turns(10)
      expect(offsets()).toEqual(through(6))
      // 0 and 3 are finished; the others are given back with the partition.
      player.finish(3)
      player.finish(0)
      handlers().onOutOfRange(at)
      await member().commit([{ ...at, offset: -2, metadata: '' }])
      await turns(20)
      expect(cluster.committed('g', at)?.offset).toBe(1)
      expect(offsets()).toEqual([...through(6), 1, 2, 4, 5])
      player.finishAll()
      await player.consumer.close(0)
      expect(cluster.committed('g', at)).toEqual({ offset: 6, metadata: '' })
    },
  )

  it('and has written over the committed position in the middle of a join has it written again', async () => {
    const { cluster, player, handlers, member } = await bench(0)
    await player.consumer.open()
    await turns(10)
    for (let count = 0; count < 3; count += 1) cluster.publish(at)
    await turns(10)
    player.finishAll()
    await handlers().beforeJoin()
    expect(cluster.committed('g', at)).toMatchObject({ offset: 3 })
    handlers().onOutOfRange(at)
    await member().commit([{ ...at, offset: -2, metadata: '' }])
    await cluster.rebalance('g')
    await turns(10)
    await player.consumer.close(0)
    expect(cluster.committed('g', at)).toMatchObject({ offset: 3 })
  })
})
