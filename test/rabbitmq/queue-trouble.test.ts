import { beforeAll, expect, test } from 'vitest'
import { say } from '../kafka/kit/say.ts'
import type { Connector } from '../processes/connector.ts'
import { waitUntil } from '../processes/wait-until.ts'
import { connectTo, rabbitmq, type SharedRabbitmq } from '../servers/rabbitmq.ts'
import { bodiesOf, called, complaintOf, Stage } from './kit/stage.ts'

let broker: SharedRabbitmq
beforeAll(async () => {
  broker = await rabbitmq.shared()
}, 180_000)

const queues = ['busy', 'gone', 'denied', 'good']

const inState = async (connector: Connector, state: string): Promise<number> =>
  (await connector.metrics()).sum('millrace_rabbitmq_consumers', { state })

const awaitState = (connector: Connector, state: string, count: number): Promise<void> =>
  waitUntil(async () => (await inState(connector, state)) === count, {
    timeoutMs: 30_000,
    what: () => `${count} queues ${state}\n${connector.output().slice(-3000)}`,
  })

test(
  'RMQ-4 RMQ-5: a queue whose consume is refused, one that is deleted and made otherwise, one whose right is revoked: each waits alone and heals',
  { timeout: 120_000 },
  async () => {
    await using stage = await Stage.open(broker, { configure: '^$', write: '^$', read: '.*' })
    const { vhost } = stage
    for (const queue of queues) await broker.declareQueue(queue, { vhost, type: queue === 'busy' ? 'classic' : 'quorum' })
    const other = await connectTo(broker.url({ vhost }))
    stage.atEnd(() => other.close().catch(() => undefined))
    const channel = await other.createChannel()
    await channel.consume('busy', () => undefined, { exclusive: true })

    const gateway = await stage.gateway({ f: { annotations: { topic: queues.join(',') } } })
    const bare = { rabbitmq_declare: 'false', rabbitmq_retry_delays: 'none', rabbitmq_dead_letters: 'none' }
    const connector = await stage.start({ gateway_url: gateway.url, ...stage.place, ...bare })
    await connector.ready()
    // The neighbour, all the way: a message every 100 ms.
    let sent = 0
    const stop = new AbortController()
    const pulse = (async () => {
      while (!stop.signal.aborted) {
        await stage.publish([{ routingKey: 'good', body: `good-${sent++}` }])
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    })()
    stage.atEnd(async () => {
      stop.abort()
      await pulse
    })
    const flowsOn = async (): Promise<void> => called(gateway, [`good-${sent + 1}`], connector)

    // Refused at the consume: somebody has it for himself.
    await awaitState(connector, 'quarantined', 1)
    expect(await inState(connector, 'consuming')).toBe(3)
    expect(await complaintOf(connector, 'E_RABBITMQ_LOCKED', 'busy')).toMatch(/exclusive use[^]*list_consumers/)
    expect((await connector.get('/readyz')).status).toBe(200)
    await flowsOn()

    await broker.deleteQueue('gone', vhost)
    expect(await complaintOf(connector, 'E_RABBITMQ_QUEUE_MISSING', 'gone')).toContain('gone')
    await awaitState(connector, 'quarantined', 2)
    await flowsOn()

    // Rights are looked at when something is asked for.
    await broker.setPermissions(stage.user.username, { configure: '^$', write: '^$', read: '^(good|gone|busy)$' }, vhost)
    await broker.deleteQueue('denied', vhost)
    // Made anew at once, the broker may keep the consumer, which nothing then asks for its right.
    await awaitState(connector, 'quarantined', 3)
    await broker.declareQueue('denied', { vhost })
    expect(await complaintOf(connector, 'E_RABBITMQ_DENIED', 'denied')).toMatch(/denied[^]*set_permissions/)
    await awaitState(connector, 'quarantined', 3)
    await flowsOn()
    expect((await connector.get('/readyz')).status).toBe(200)

    await channel.close()
    await broker.declareQueue('gone', { vhost, type: 'classic', arguments: { 'x-max-length': 100 } })
    await broker.setPermissions(stage.user.username, { configure: '^$', write: '^$', read: '.*' }, vhost)
    await stage.publish(['busy', 'gone', 'denied'].map((routingKey) => ({ routingKey, body: `after-${routingKey}` })))
    const since = performance.now()
    await called(gateway, ['after-busy', 'after-gone', 'after-denied'], connector)
    say('queues healed after ms', Math.round(performance.now() - since))
    await awaitState(connector, 'consuming', 4)
    stop.abort()
    await pulse
    await called(
      gateway,
      Array.from({ length: sent }, (_, index) => `good-${index}`),
      connector,
    )
    expect(new Set(bodiesOf(gateway)).size).toBe(bodiesOf(gateway).length)
    // The connection was one and the same all along.
    expect((await connector.metrics()).sum('millrace_rabbitmq_reconnects_total')).toBe(0)
    expect((await connector.stop()).code).toBe(0)
  },
)
