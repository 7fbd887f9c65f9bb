import { expect, test } from 'vitest'
import { isAlive } from '../processes/is-alive.ts'
import { waitUntil } from '../processes/wait-until.ts'
import { createClient, kafka, readTopic } from './kafka.ts'

test(
  'three brokers: the leadership of a partition moves when its broker is killed, and nothing is lost',
  { timeout: 240_000 },
  async () => {
    // Fenced after 2 s in place of 9 s, to save the time.
    const three = await kafka.cluster(3, {
      properties: { 'broker.session.timeout.ms': '2000', 'broker.heartbeat.interval.ms': '500' },
      heapMb: 256,
    })
    const pids = three.brokers.map(({ pid }) => pid)
    try {
      await three.createTopic('moved', { config: { 'min.insync.replicas': '2' } })
      const client = createClient({ brokers: [...three.bootstrap], retry: { retries: 20, maxRetryTime: 2000 } })
      const producer = client.producer()
      await producer.connect()
      const send = (value: string): Promise<unknown> => producer.send({ topic: 'moved', acks: -1, messages: [{ value }] })
      await send('before')
      const first = await three.leaderOf('moved')
      await first.kill9()
      const moved = (): Promise<boolean> =>
        three.leaderOf('moved').then(
          (leader) => leader.nodeId !== first.nodeId,
          () => false,
        )
      await waitUntil(moved, { timeoutMs: 90_000, everyMs: 200, what: 'another leader' })
      await send('after')
      await producer.disconnect()
      expect((await readTopic(client, 'moved', 2)).map(({ value }) => value)).toEqual(['before', 'after'])
    } finally {
      await three.stop()
    }
    expect(pids.filter(isAlive)).toEqual([])
  },
)
