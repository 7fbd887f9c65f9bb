import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RabbitmqServer } from '../../../../test/servers/rabbitmq.ts'
import { createPublisher } from '../../src/transport/publisher.ts'
import { openPublisher, queueOf } from './publisher-kit.ts'
import { codeOf, lossOf, messageTo, TransportBench } from './transport-kit.ts'

/** Tests of publishers and channels at a broker of the caller's own: nobody else may be at it. */
export const underAlarmTests = (broker: () => RabbitmqServer): void => {
  describe('a broker under an alarm, or out of patience', () => {
    let server: RabbitmqServer
    let own: TransportBench
    beforeAll(() => {
      server = broker()
      own = new TransportBench(server)
    })
    afterAll(() => own.close())

    it('a publisher waits and says so, beyond its timeout; consuming and acknowledging goes on', async () => {
      const queue = await queueOf(own)
      const publisher = openPublisher(own, { confirmTimeoutMs: 2500 })
      const changes: boolean[] = []
      publisher.onBlocked((blocked) => changes.push(blocked))
      await publisher.publish(messageTo(queue, 'before'))
      await server.alarm('memory', true)
      const waiting = [codeOf(publisher.publish(messageTo(queue, 'out'))), codeOf(publisher.publish(messageTo(queue, 'out')))]
      await expect.poll(() => publisher.blocked, { timeout: 5000 }).toBe(true)
      waiting.push(codeOf(publisher.publish(messageTo(queue, 'behind'))))
      const channel = await (await own.connection().link(5000)).openChannel()
      const tags: number[] = []
      await channel.consume(
        queue,
        { consumerTag: 'c' },
        {
          onMessage: ({ deliveryTag }) => {
            tags.push(deliveryTag)
            channel.ack(deliveryTag)
          },
          onCancelled: () => undefined,
        },
      )
      await expect.poll(() => tags.length).toBe(1)
      await server.awaitDepth(queue, { ready: 0, unacked: 0 })
      // Longer than the confirm timeout: an alarm is not a lost message.
      await new Promise((resolve) => setTimeout(resolve, 3000))
      await server.alarm('memory', false)
      expect(await Promise.all(waiting)).toEqual(['none', 'none', 'none'])
      expect(changes).toEqual([true, false])
      await expect.poll(() => tags.length).toBe(4)
    }, 60_000)

    it('T13: a channel that holds a message too long is told so', async () => {
      const queue = await queueOf(own)
      const set = (consumer: number, tick: number): Promise<string> =>
        server.evaluate(
          `application:set_env(rabbit, consumer_timeout, ${consumer}), application:set_env(rabbit, channel_tick_interval, ${tick})`,
        )
      await set(500, 500)
      await server.publish(queue, ['x'])
      const channel = await (await own.connection().link(5000)).openChannel()
      await channel.consume(queue, { consumerTag: 'c' }, { onMessage: () => undefined, onCancelled: () => undefined })
      expect(await lossOf(channel.lost)).toBe('E_RABBITMQ_ACK_TIMEOUT')
      // As by default.
      await set(1_800_000, 60_000)
    })

    it('a publisher that is blocked is closed in bounded time', async () => {
      const queue = await queueOf(own)
      const connection = own.connection({}, 'publish')
      const publisher = createPublisher(connection, { closeTimeoutMs: 300 })
      await publisher.publish(messageTo(queue))
      await server.alarm('disk', true)
      const waiting = codeOf(publisher.publish(messageTo(queue)))
      await expect.poll(() => publisher.blocked, { timeout: 5000 }).toBe(true)
      const start = performance.now()
      await publisher.close()
      await connection.close()
      expect(performance.now() - start).toBeLessThan(4000)
      expect(await waiting).toBe('E_RABBITMQ_UNCONFIRMED')
      await server.alarm('disk', false)
    }, 60_000)
  })
}
