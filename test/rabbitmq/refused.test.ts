import { beforeAll, describe, expect, test } from 'vitest'
import { spawnConnector } from '../processes/connector.ts'
import { rabbitmq, type SharedRabbitmq } from '../servers/rabbitmq.ts'
import { expiredDoor } from '../kafka/kit/expired-door.ts'
import { connectorMain } from './kit/run.ts'
import { called, complaintOf, Stage } from './kit/stage.ts'

const timeout = 90_000

let broker: SharedRabbitmq
beforeAll(async () => {
  broker = await rabbitmq.shared()
}, 180_000)

describe.concurrent('what is wrong is said, with what to do', () => {
  test('topology files: every mistake with its line, exit 2', { timeout }, async () => {
    await using stage = await Stage.open(broker)
    const text = `- name: AEx
  topics: []
  declare: perhaps
- topics: [a]
- name: CEx
  topics: [a, a, "b..c"]
  kind: topic
- plain
`
    const wrong = await spawnConnector({ main: connectorMain, env: { PATH_TO_TOPOLOGY: stage.file('topology.yaml', text) } })
    const broken = await spawnConnector({ main: connectorMain, env: { PATH_TO_TOPOLOGY: stage.file('topology.yaml', 'a: [') } })
    const missing = await spawnConnector({ main: connectorMain, env: { PATH_TO_TOPOLOGY: '/nowhere/topology.yaml' } })
    for (const child of [wrong, broken, missing]) expect((await child.exited).code).toBe(2)
    for (const part of [
      'line:2: topics must be',
      'line:3: declare is neither',
      'line:4: name',
      'line:6: its queue',
      'line:7: `kind`',
      'line:8:',
    ])
      expect(wrong.output()).toContain(part)
    expect(broken.output()).toMatch(/rabbitmq_topology[^]*line:1[^]*YAML/)
    expect(missing.output()).toMatch(/\/nowhere\/topology\.yaml/)
  })

  test(
    'a user without the right to configure: what must be declared is said as a command, and then it goes on by itself',
    { timeout },
    async () => {
      await using stage = await Stage.open(broker, { configure: '^$', write: '^amq\\.default$', read: '.*' })
      const { vhost } = stage
      const gateway = await stage.gateway({
        bill: { annotations: { 'com.openfaas.connector.exchange': 'shop', 'com.openfaas.connector.routing-keys': 'orders.*' } },
      })
      const bare = { rabbitmq_declare: 'false', rabbitmq_retry_delays: 'none', rabbitmq_dead_letters: 'none' }
      const connector = await stage.start({ gateway_url: gateway.url, ...stage.place, ...bare })
      expect(await complaintOf(connector, 'E_RABBITMQ_NOT_DECLARED')).toMatch(/shop[^]*rabbitmqadmin|shop[^]*declare/)
      // Its only queue cannot be consumed: that is a connector that cannot work.
      const { status, text } = await connector.get('/readyz')
      expect([status, text.includes('not connected') || text.includes('E_RABBITMQ')]).toEqual([503, true])
      await broker.declareExchange('shop', 'topic', vhost)
      await broker.declareQueue('faas.openfaas-fn.bill', { vhost })
      await broker.bind('faas.openfaas-fn.bill', 'shop', 'orders.*', vhost)
      await stage.publish([{ exchange: 'shop', routingKey: 'orders.eu', body: 'm-1' }])
      await called(gateway, ['m-1'], connector)
      await connector.ready()
    },
  )

  test(
    'a certificate that has expired, and one of another authority: not connected, said as such, and nothing is sent',
    { timeout },
    async () => {
      await using door = await expiredDoor(broker.port)
      await using stage = await Stage.open(broker)
      const gateway = await stage.gateway({ f: { annotations: { topic: 'q' } } })
      const place = { gateway_url: gateway.url, ...stage.place }
      const url = `amqps://localhost:${door.port}`
      const expired = await stage.start({ ...place, rabbitmq_url: url, rabbitmq_ca_file: stage.file('ca.pem', door.ca) })
      const stranger = await stage.start({ ...place, rabbitmq_url: url, rabbitmq_ca_file: stage.file('ca.pem', broker.certificates.ca) })
      expect(await complaintOf(expired, 'E_RABBITMQ_TLS')).toMatch(/certificate has expired[^]*Look at names and dates/)
      expect(await complaintOf(stranger, 'E_RABBITMQ_TLS')).toMatch(/certificate[^]*Set the CA to the authority/)
      for (const connector of [expired, stranger]) expect((await connector.get('/readyz')).status).toBe(503)
      expect([door.connections >= 2, door.received]).toEqual([true, 0])
    },
  )
})
