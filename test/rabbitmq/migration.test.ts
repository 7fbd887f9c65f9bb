import { beforeAll, describe, expect, test } from 'vitest'
import { rabbitmq, withChannel, type SharedRabbitmq } from '../servers/rabbitmq.ts'
import { bodiesOf, called, Stage } from './kit/stage.ts'

const timeout = 90_000

let broker: SharedRabbitmq
beforeAll(async () => {
  broker = await rabbitmq.shared()
}, 180_000)

const topology = `# of a Templum deployment
- name: AEx
  topics: [billing, shipping]
  declare: true
  type: direct
  durable: true
- name: BEx
  topics:
    - "audit.*"
  declare: false
  type: topic
`

describe.concurrent('the image is changed and nothing else', () => {
  test(
    'Templum: its queues as it makes them, with what lies in them; functions with other topics are left alone',
    { timeout },
    async () => {
      await using stage = await Stage.open(broker)
      // As Templum makes them (e5c2ac3): a queue for each topic, flags of the exchange, nothing else about them.
      await withChannel(broker.url({ vhost: stage.vhost }), async (channel) => {
        await channel.assertExchange('AEx', 'direct', { durable: true })
        await channel.assertExchange('BEx', 'topic', { durable: true })
        for (const topic of ['billing', 'shipping']) {
          await channel.assertQueue(`OpenFaaS_AEx_${topic}`, { durable: true })
          await channel.bindQueue(`OpenFaaS_AEx_${topic}`, 'AEx', topic)
        }
        await channel.assertQueue('OpenFaaS_BEx_audit.*', { durable: false })
        await channel.bindQueue('OpenFaaS_BEx_audit.*', 'BEx', 'audit.*')
      })
      await stage.publish([{ exchange: 'AEx', routingKey: 'billing', body: 'from-before' }])
      const gateway = await stage.gateway({
        bill: { annotations: { topic: 'billing,shipping' } },
        audit: { annotations: { topic: 'audit.login' }, handler: () => ({ status: 202 }) },
        // Of another connector: no queue has this name.
        stranger: { annotations: { topic: 'kafka-topic' } },
      })
      const connector = await stage.start({
        OPEN_FAAS_GW_URL: gateway.url,
        RMQ_HOST: '127.0.0.1',
        RMQ_PORT: String(broker.port),
        RMQ_VHOST: stage.vhost,
        RMQ_USER: stage.user.username,
        RMQ_PASS: stage.user.password,
        TLS_ENABLED: 'false',
        TOPIC_MAP_REFRESH_TIME: '1s',
        REQ_TIMEOUT: '30s',
        PATH_TO_TOPOLOGY: stage.file('topology.yaml', topology),
        rebuild_interval: '',
      })
      await connector.ready()
      await stage.publish([
        { exchange: 'AEx', routingKey: 'shipping', body: 's-1' },
        { exchange: 'BEx', routingKey: 'audit.login', body: 'a-1' },
      ])
      await called(gateway, ['from-before', 's-1', 'a-1'], connector)
      const topics = new Map(gateway.requests.map((request) => [request.body.toString(), request.header('x-topic')]))
      expect(Object.fromEntries(topics)).toEqual({ 'from-before': 'billing', 's-1': 'shipping', 'a-1': 'audit.login' })
      expect((await connector.stop()).code).toBe(0)
      // Each once, also the one that was answered with 202: Templum took that for a failure.
      expect(bodiesOf(gateway)).toHaveLength(3)
      for (const queue of ['OpenFaaS_AEx_billing', 'OpenFaaS_AEx_shipping', 'OpenFaaS_BEx_audit.*'])
        expect(await broker.depth(queue, stage.vhost)).toEqual({ ready: 0, unacked: 0 })
      expect(connector.logs().filter((line) => String(line['code']).startsWith('E_RABBITMQ'))).toEqual([])
      expect(connector.output()).not.toContain('kafka-topic')
    },
  )

  test('Pro: queues as JSON, secrets mounted as by its chart, mTLS; its four headers', { timeout }, async () => {
    const { certificates } = broker
    await using stage = await Stage.open(broker)
    const secret = (name: string, text: string): string => stage.file(name, text)
    const gateway = await stage.gateway({
      bill: { annotations: { topic: 'orders, invoices' } },
      ship: { annotations: { topic: 'orders' } },
    })
    const connector = await stage.start(
      {
        gateway_url: gateway.url,
        rabbitmq_url: `amqps://localhost:${broker.mtlsPort}/${stage.vhost}`,
        queues: JSON.stringify([
          { name: 'orders', durable: true, nowait: false, autodelete: false, exclusive: false },
          { name: 'invoices', durable: true, nowait: true, autodelete: false, exclusive: false },
          { name: 'unwanted', durable: true, nowait: false, autodelete: false, exclusive: false },
        ]),
        topics: 'faas-request',
        upstream_timeout: '2m',
        asynchronous_invocation: 'false',
        content_type: 'text/plain',
        print_request_body: 'false',
        print_response: 'true',
        print_response_body: 'false',
      },
      Object.entries({
        '-username-file': secret('username', stage.user.username),
        '-password-file': secret('password', `${stage.user.password}\n`),
        '-ca-file': secret('ca-cert', certificates.ca),
        '-cert-file': secret('client-cert', certificates.client.cert),
        '-key-file': secret('client-key', certificates.client.key),
      }).flat(),
    )
    await connector.ready()
    await stage.publish(['orders', 'invoices', 'unwanted'].map((routingKey) => ({ routingKey, body: `in-${routingKey}` })))
    await called(gateway, ['in-orders', 'in-invoices'], connector)
    expect((await connector.stop()).code).toBe(0)
    expect([...bodiesOf(gateway)].toSorted()).toEqual(['in-invoices', 'in-orders', 'in-orders'])
    for (const request of gateway.requests) {
      const queue = request.body.toString().slice(3)
      const headers = ['x-topic', 'x-connector', 'x-rabbitmq-msg-id', 'x-rabbitmq-routing-key'].map((name) => request.header(name))
      expect(headers).toEqual([queue, 'millrace/rabbitmq-connector', `in-${queue}`, queue])
    }
    // Declared, so that what is published to it is kept, and not consumed: nobody wants it.
    expect(await broker.depth('unwanted', stage.vhost)).toEqual({ ready: 1, unacked: 0 })
    expect(connector.output()).not.toContain(stage.user.password)
  })
})
