import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Connector } from '../processes/connector.ts'
import { waitUntil } from '../processes/wait-until.ts'
import { kafka, oauthToken, type SharedKafka } from '../servers/kafka.ts'
import { grant, revoke, type Right } from './kit/acl.ts'
import { expiredDoor } from './kit/expired-door.ts'
import { KafkaRun } from './kit/run.ts'
import { say } from './kit/say.ts'

let server: SharedKafka
beforeAll(async () => {
  server = await kafka.shared()
}, 180_000)

const timeout = 120_000

/** No dead-letter topics: the users of these tests may read and no more. */
const open = (connectorBrokers: readonly string[], env: Readonly<Record<string, string>>): Promise<KafkaRun> =>
  KafkaRun.open({ brokers: server.bootstrap, connectorBrokers, env: { kafka_dead_letters: 'none', ...env } })

const rightsOf = (run: KafkaRun, user: string): readonly Right[] => [
  { user, topic: run.topic, operation: 'read' },
  { user, group: run.group, operation: 'read' },
]

/** The log line of a code. It must say what to do. */
const complaint = async (connector: Connector, code: string): Promise<string> => {
  const find = (): Readonly<Record<string, unknown>> | undefined =>
    connector.logs().find((line) => line['code'] === code && typeof line['fix'] === 'string')
  await waitUntil(() => find() !== undefined, {
    timeoutMs: 60_000,
    what: () => `${code} with what to do:\n${connector.output().slice(-4000)}`,
  })
  expect(connector.running).toBe(true)
  expect((await connector.get('/livez')).status).toBe(200)
  return `${String(find()?.['msg'])} ${String(find()?.['error'])} ${String(find()?.['fix'])}`
}

/** Publishes, and waits until all of it is delivered by the same process. */
const recovers = async (run: KafkaRun, connector: Connector, duplicateBound = 0): Promise<void> => {
  await run.publish(40)
  await run.waitForSuccesses(run.publisher.sent, 60_000)
  await run.drained(30_000)
  await connector.ready()
  expect((await run.report({ duplicateBound })).problems).toEqual([])
}

describe.concurrent('what is wrong is said with a code and with what to do, and goes away without a restart', () => {
  // The other mechanisms, right and wrong: packages/kafka-connector/test/real/connection.test.ts.
  test('T15 SCRAM: a wrong password in a file, then the right one', { timeout }, async () => {
    const { username, password } = server.secure.credentials.admin
    await using run = await open(server.secure.saslPlaintext, { kafka_sasl_mechanism: 'scram-sha-512', kafka_username: username })
    const file = join(run.folder, 'password')
    writeFileSync(file, 'canary-wrong-password')
    const connector = await run.start({ kafka_password_file: file })
    expect(await complaint(connector, 'E_KAFKA_AUTHENTICATION')).toContain('admin')
    expect((await connector.get('/readyz')).status).toBe(503)
    writeFileSync(file, `${password}\n`)
    await recovers(run, connector)
    expect(connector.output()).not.toContain('canary-wrong-password')
  })

  test('T15 OAUTHBEARER: a token endpoint that refuses, then tokens that live for seconds', { timeout }, async () => {
    let answers = 0
    let open401 = true
    const endpoint = createServer((request, response) => {
      request.resume()
      answers++
      if (open401) response.writeHead(401).end('{}')
      else
        response
          .writeHead(200, { 'content-type': 'application/json' })
          .end(JSON.stringify({ access_token: oauthToken('admin', 60_000), token_type: 'bearer', expires_in: 60 }))
    })
    await new Promise<void>((resolve) => {
      endpoint.listen(0, '127.0.0.1', resolve)
    })
    try {
      await using run = await open(server.secure.saslPlaintext, {
        kafka_sasl_mechanism: 'oauthbearer',
        kafka_oauth_token_url: `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/token`,
        kafka_oauth_client_id: 'id',
        kafka_oauth_client_secret: 'canary-client-secret',
      })
      const connector = await run.start()
      expect(await complaint(connector, 'E_KAFKA_AUTHENTICATION')).toContain('401')
      open401 = false
      await recovers(run, connector)
      expect(answers).toBeGreaterThan(1)
      expect(connector.output()).not.toContain('canary-client-secret')
    } finally {
      endpoint.closeAllConnections()
      endpoint.close()
    }
  })

  test(
    'T16 K6 TLS: an authority that did not sign the broker is refused; the right one is read from the same file',
    { timeout },
    async () => {
      const { certificates, ssl } = server.secure
      await using run = await open(ssl, { kafka_tls: 'true' })
      const file = join(run.folder, 'ca.pem')
      writeFileSync(file, certificates.otherCa)
      const connector = await run.start({ kafka_ca_file: file })
      expect(await complaint(connector, 'E_KAFKA_TLS')).toContain('kafka_ca')
      writeFileSync(file, certificates.ca)
      await recovers(run, connector)
    },
  )

  test('T16 TLS: brokers whose certificate has expired are not spoken to; it says so and goes on trying', { timeout }, async () => {
    await using door = await expiredDoor(Number(server.bootstrap[0]?.split(':')[1]))
    await using run = await open([`localhost:${door.port}`], { kafka_tls: 'true', kafka_ca: door.ca })
    await run.publish(5)
    const connector = await run.start()
    expect(await complaint(connector, 'E_KAFKA_TLS')).toMatch(/certificate has expired[^]*check names and dates/)
    await waitUntil(async () => (await connector.metrics()).sum('millrace_source_reconnects_total') >= 2, {
      timeoutMs: 60_000,
      what: () => `a second try:\n${connector.output().slice(-3000)}`,
    })
    expect(connector.running).toBe(true)
    expect((await connector.get('/readyz')).status).toBe(503)
    expect((await connector.get('/livez')).status).toBe(200)
    expect(door.connections).toBeGreaterThanOrEqual(2)
    expect(door.received).toBe(0)
    expect(run.invocations().filter(({ kind }) => kind === 'start')).toEqual([])
  })

  test('T16 mTLS: a client certificate that is out of date, then a new one', { timeout }, async () => {
    const { certificates, mtls } = server.secure
    await using run = await open(mtls, { kafka_tls: 'true', kafka_ca: certificates.ca })
    await grant(server.bootstrap, rightsOf(run, 'client'))
    const [cert, key] = [join(run.folder, 'cert.pem'), join(run.folder, 'key.pem')]
    writeFileSync(cert, certificates.expiredClient.cert)
    writeFileSync(key, certificates.expiredClient.key)
    const connector = await run.start({ kafka_cert_file: cert, kafka_key_file: key })
    expect(await complaint(connector, 'E_KAFKA_TLS')).toContain('kafka_cert')
    writeFileSync(cert, certificates.client.cert)
    writeFileSync(key, certificates.client.key)
    await recovers(run, connector)
  })

  test('N2 ACLs: no right on the topic, then on the group; both given, taken away, and given back', { timeout }, async () => {
    const { username, password } = server.secure.credentials.alice
    const login = { kafka_sasl_mechanism: 'scram-sha-512', kafka_username: username, kafka_password: password }
    await using run = await open(server.secure.saslPlaintext, login)
    const [topicRight, groupRight] = rightsOf(run, 'alice') as [Right, Right]
    const connector = await run.start()
    expect(await complaint(connector, 'E_KAFKA_TOPIC_DENIED')).toContain('kafka-acls')
    await grant(server.bootstrap, [topicRight])
    expect(await complaint(connector, 'E_KAFKA_GROUP_DENIED')).toContain('kafka-acls')
    await grant(server.bootstrap, [groupRight])
    await recovers(run, connector)
    await revoke(server.bootstrap, [topicRight])
    const before = connector.logs().length
    await run.publish(40)
    await waitUntil(
      () =>
        connector
          .logs()
          .slice(before)
          .some((line) => line['code'] === 'E_KAFKA_TOPIC_DENIED'),
      {
        timeoutMs: 60_000,
        what: () => `it to say that it may not read:\n${connector.output().slice(-3000)}`,
      },
    )
    await grant(server.bootstrap, [topicRight])
    // The right went while some of these ran, and their commit with it.
    await recovers(run, connector, 40)
  })
})

test.concurrent(
  'T15 credentials rotated under load: the old user loses its rights, the new one stands in the files; nothing is lost',
  { timeout },
  async () => {
    const { admin, alice } = server.secure.credentials
    await using run = await KafkaRun.open({
      brokers: server.bootstrap,
      connectorBrokers: server.secure.saslPlaintext,
      env: { kafka_dead_letters: 'none', kafka_sasl_mechanism: 'scram-sha-512', queue_window: '200' },
      behaviour: [{ delayMs: [0, 40] }],
    })
    const [user, password] = [join(run.folder, 'user'), join(run.folder, 'password')]
    writeFileSync(user, alice.username)
    writeFileSync(password, alice.password)
    const rights = rightsOf(run, 'alice')
    await grant(server.bootstrap, rights)
    const connector = await run.start({ kafka_username_file: user, kafka_password_file: password })
    const load = run.load({ perSecond: 50 })
    await run.waitForSuccesses(50, 60_000)
    writeFileSync(user, admin.username)
    writeFileSync(password, admin.password)
    await revoke(server.bootstrap, rights)
    const before = run.succeeded().size
    await run.waitForSuccesses(before + 150, 60_000)
    await load.finish()
    await run.drained(60_000)
    const found = await run.report({ duplicateBound: 4 * 200, metrics: await connector.metrics() })
    say('rotation', { duplicated: found.duplicated, events: found.confirmed })
    expect(found.problems).toEqual([])
    expect(found.succeeded).toBe(found.confirmed)
  },
)
