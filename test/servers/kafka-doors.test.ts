import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes, type KafkaConfig, type SASLOptions } from 'kafkajs'
import { beforeAll, describe, expect, test } from 'vitest'
import { createClient, kafka, oauthToken, readTopic, uniqueName, withAdmin, type SharedKafka } from './kafka.ts'

let server: SharedKafka

beforeAll(async () => {
  server = await kafka.shared()
}, 180_000)

const timeout = 60_000

/** What a client with this configuration may see; fails when it does not get in. */
const topicsSeen = (config: KafkaConfig): Promise<readonly string[]> =>
  withAdmin({ retry: { retries: 1 }, ...config }, (admin) => admin.listTopics())

test('records go in and come out, with keys and over several partitions', { timeout }, async () => {
  const topic = uniqueName('round-trip')
  await server.createTopic(topic, { partitions: 2 })
  const client = createClient({ brokers: [...server.bootstrap] })
  const producer = client.producer()
  await producer.connect()
  const messages = [0, 1, 2, 3].map((number) => ({ key: `k${number}`, value: `v${number}`, partition: number % 2 }))
  await producer.send({ topic, messages })
  await producer.disconnect()
  const records = await readTopic(client, topic, 4)
  const read = (wanted: number): readonly string[] =>
    records.filter(({ partition }) => partition === wanted).map(({ offset, key, value }) => `${offset} ${key} ${value}`)
  expect(read(0)).toEqual(['0 k0 v0', '1 k2 v2'])
  expect(read(1)).toEqual(['0 k1 v1', '1 k3 v3'])
})

test('every caller of a run gets the same server', async () => {
  expect((await kafka.shared()).clusterId).toBe(server.clusterId)
  expect(process.env.MILLRACE_TEST_SERVERS).toMatch(/^http:/)
})

describe('SASL', () => {
  const mechanisms = ['plain', 'scram-sha-256', 'scram-sha-512'] as const
  const doors = ['saslPlaintext', 'saslSsl'] as const
  const config = (door: (typeof doors)[number], sasl: SASLOptions): KafkaConfig => ({
    brokers: [...server.secure[door]],
    sasl,
    ...(door === 'saslSsl' && { ssl: { ca: [server.secure.certificates.ca] } }),
  })

  test.each(doors.flatMap((door) => mechanisms.map((mechanism) => [door, mechanism] as const)))(
    '%s lets %s in',
    { timeout },
    async (door, mechanism) => {
      const sasl = { mechanism, ...server.secure.credentials.admin } as SASLOptions
      expect(await topicsSeen(config(door, sasl))).toBeInstanceOf(Array)
    },
  )

  test.each(doors)('%s lets an OAuth bearer in', { timeout }, async (door) => {
    const sasl = { mechanism: 'oauthbearer', oauthBearerProvider: () => Promise.resolve({ value: oauthToken('admin') }) } as const
    expect(await topicsSeen(config(door, sasl))).toBeInstanceOf(Array)
  })

  test.each(mechanisms)('%s refuses a wrong password', { timeout }, async (mechanism) => {
    const sasl = { mechanism, username: 'alice', password: 'wrong' } as SASLOptions
    await expect(topicsSeen(config('saslPlaintext', sasl))).rejects.toMatchObject({ name: 'KafkaJSSASLAuthenticationError' })
  })
})

describe('TLS', () => {
  test('the server shows a certificate of its authority, and clients of another one do not come in', { timeout }, async () => {
    const { certificates, ssl } = server.secure
    expect(await topicsSeen({ brokers: [...ssl], ssl: { ca: [certificates.ca] } })).toBeInstanceOf(Array)
    await expect(topicsSeen({ brokers: [...ssl], ssl: { ca: [certificates.otherCa] } })).rejects.toThrow(/certificate/)
  })

  test('mTLS lets a client with a good certificate in and nobody else', { timeout }, async () => {
    const { certificates, mtls } = server.secure
    const enter = (pair?: { cert: string; key: string }): Promise<readonly string[]> =>
      topicsSeen({ brokers: [...mtls], ssl: { ca: [certificates.ca], ...pair } })
    expect(await enter(certificates.client)).toBeInstanceOf(Array)
    await expect(enter()).rejects.toThrow(/bad certificate/)
    await expect(enter(certificates.stranger)).rejects.toThrow(/certificate unknown/)
    await expect(enter(certificates.expiredClient)).rejects.toThrow(/certificate unknown/)
  })
})

test('ACLs: a user may do nothing until it is allowed to', { timeout }, async () => {
  const topic = uniqueName('guarded')
  await server.createTopic(topic)
  const sasl = { mechanism: 'plain', ...server.secure.credentials.alice } as const
  const producer = createClient({ brokers: [...server.secure.saslPlaintext], sasl }).producer()
  await producer.connect()
  const send = (): Promise<unknown> => producer.send({ topic, messages: [{ value: 'x' }] })
  await expect(send()).rejects.toThrow(/Topic authorization failed/)
  const grant = { principal: 'User:alice', host: '*', resourceName: topic, resourceType: AclResourceTypes.TOPIC }
  const rule = { ...grant, resourcePatternType: ResourcePatternTypes.LITERAL, permissionType: AclPermissionTypes.ALLOW }
  await withAdmin({ brokers: [...server.bootstrap] }, (admin) =>
    admin.createAcls({ acl: [AclOperationTypes.WRITE, AclOperationTypes.DESCRIBE].map((operation) => ({ ...rule, operation })) }),
  )
  await expect
    .poll(
      () =>
        send().then(
          () => true,
          () => false,
        ),
      { timeout: 20_000 },
    )
    .toBe(true)
  await producer.disconnect()
})
