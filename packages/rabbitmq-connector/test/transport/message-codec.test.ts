import { expect, it } from 'vitest'
import { readMessage } from '../../src/transport/message-codec.ts'

type Raw = Parameters<typeof readMessage>[0]

/** As amqplib gives it: what was not sent is there and undefined. */
const raw = (sent: Partial<Raw['properties']>): Raw => ({
  fields: { consumerTag: 'c', deliveryTag: 3, redelivered: true, exchange: 'shop', routingKey: 'orders.eu' },
  properties: {
    contentType: undefined,
    contentEncoding: undefined,
    headers: undefined,
    deliveryMode: undefined,
    priority: undefined,
    correlationId: undefined,
    replyTo: undefined,
    expiration: undefined,
    messageId: undefined,
    timestamp: undefined,
    type: undefined,
    userId: undefined,
    appId: undefined,
    clusterId: undefined,
    ...sent,
  },
  content: Buffer.from('x'),
})

it('what was not sent is absent, and not undefined', () => {
  expect(readMessage(raw({}))).toStrictEqual({
    exchange: 'shop',
    routingKey: 'orders.eu',
    deliveryTag: 3,
    redelivered: true,
    properties: { headers: new Map() },
    body: Buffer.from('x'),
  })
})

it('every property comes through by its name', () => {
  const texts = ['contentType', 'contentEncoding', 'correlationId', 'replyTo', 'expiration', 'messageId', 'type', 'userId', 'appId']
  const sent = { ...Object.fromEntries(texts.map((name) => [name, `its ${name}`])), deliveryMode: 2, priority: 0, timestamp: 1_764_000_000 }
  const { properties } = readMessage(raw({ ...sent, headers: { shop: 'eu' } }))
  expect(properties).toStrictEqual({ ...sent, timestamp: 1_764_000_000_000, headers: new Map([['shop', 'eu']]) })
})
