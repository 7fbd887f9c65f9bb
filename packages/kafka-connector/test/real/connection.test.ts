import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Secret, silentLogger } from '@millrace/sdk'
import { beforeAll, describe, expect, it } from 'vitest'
import { kafka, oauthToken, uniqueName, withAdmin } from '../../../../test/servers/kafka.ts'
import type { SharedKafka } from '../../../../test/servers/kafka.ts'
import type { ConnectionMaterial } from '../../src/driver/connection.ts'
import { kafkajsDriver } from '../../src/driver/kafkajs-driver.ts'
import { fetchToken } from '../../src/driver/oauth-token.ts'

let server: SharedKafka
beforeAll(async () => {
  server = await kafka.shared()
}, 120_000)

/** Reaches the cluster and says what came of it. */
const reach = async (brokers: readonly string[], material: ConnectionMaterial): Promise<string> => {
  const driver = kafkajsDriver(
    { brokers, clientId: 'test', material: () => Promise.resolve(material), retries: 1, connectionTimeoutMs: 3000 },
    {},
    silentLogger,
  )
  try {
    return (await driver.connect()).length > 0 ? 'connected' : 'no id'
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  } finally {
    await driver.close()
  }
}

describe('the cluster is reached', () => {
  it('with PLAIN, SCRAM and OAUTHBEARER, with and without TLS, and with a certificate', async () => {
    const { certificates, credentials, mtls, saslPlaintext, saslSsl, ssl } = server.secure
    const { username, password } = credentials.admin
    const tls = { ca: certificates.ca }
    for (const mechanism of ['plain', 'scram-sha-256', 'scram-sha-512'] as const) {
      const sasl = { mechanism, username, password: new Secret(password) }
      expect([mechanism, await reach(saslPlaintext, { sasl })]).toEqual([mechanism, 'connected'])
      expect([mechanism, await reach(saslSsl, { sasl, tls })]).toEqual([mechanism, 'connected'])
    }
    expect(await reach(saslSsl, { tls, sasl: { mechanism: 'oauthbearer', token: async () => oauthToken('admin') } })).toBe('connected')
    expect(await reach(ssl, { tls })).toBe('connected')
    const { cert, key } = certificates.client
    expect(await reach(mtls, { tls: { ...tls, cert, key: new Secret(key) } })).toBe('connected')
  }, 60_000)
})

describe('what is wrong is told by its code', () => {
  it.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)('T15: wrong password, %s', async (mechanism) => {
    const sasl = { mechanism, username: 'alice', password: new Secret('wrong') }
    expect(await reach(server.secure.saslPlaintext, { sasl })).toBe('E_KAFKA_AUTHENTICATION')
  })

  it('T16: wrong authority, certificate of a stranger, out of date', async () => {
    const { certificates, mtls, ssl } = server.secure
    expect(await reach(ssl, { tls: { ca: certificates.otherCa } })).toBe('E_KAFKA_TLS')
    for (const { cert, key } of [certificates.stranger, certificates.expiredClient]) {
      expect(await reach(mtls, { tls: { ca: certificates.ca, cert, key: new Secret(key) } })).toBe('E_KAFKA_TLS')
    }
  }, 60_000)

  it('nobody there', async () => {
    expect(await reach(['127.0.0.1:1'], {})).toBe('E_KAFKA_UNREACHABLE')
  })

  it('topics that are missing, hidden, or may be seen and not read: one by one', async () => {
    const [open, hidden, unread, missing] = ['open', 'hidden', 'unread', 'missing'].map((stem) => uniqueName(stem)) as [
      string,
      string,
      string,
      string,
    ]
    for (const topic of [open, hidden, unread]) await server.createTopic(topic)
    const allow = (topic: string, operation: number) => ({
      resourceType: 2,
      resourceName: topic,
      resourcePatternType: 3,
      principal: 'User:alice',
      host: '*',
      operation,
      permissionType: 3,
    })
    const [read, describeTopic] = [3, 8]
    await withAdmin({ brokers: [...server.bootstrap] }, (admin) =>
      admin.createAcls({ acl: [allow(open, read), allow(unread, describeTopic)] }),
    )
    const { username, password } = server.secure.credentials.alice
    const material = { sasl: { mechanism: 'plain', username, password: new Secret(password) } } as const
    const driver = kafkajsDriver(
      { brokers: server.secure.saslPlaintext, clientId: 'test', material: async () => material, retries: 1 },
      {},
      silentLogger,
    )
    try {
      const states = await driver.describe([open, hidden, unread, missing])
      expect([open, hidden, unread, missing].map((topic) => states.get(topic)?.kind)).toEqual(['ready', 'denied', 'denied', 'denied'])
    } finally {
      await driver.close()
    }
  }, 60_000)
})

describe('a token', () => {
  const endpoint = async (answer: (authorization: string, body: string) => { status: number; body: string }) => {
    const requests: string[] = []
    const http = createServer((request, response) => {
      let body = ''
      request.on('data', (part: Buffer) => (body += part.toString()))
      request.on('end', () => {
        requests.push(body)
        const given = answer(request.headers.authorization ?? '', body)
        response.writeHead(given.status, { 'content-type': 'application/json', location: 'http://127.0.0.1:1/' }).end(given.body)
      })
    })
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
    const client = {
      url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/token`,
      clientId: async () => new Secret('id:1'),
      clientSecret: async () => new Secret('s%cret'),
      scope: 'kafka',
    }
    return { client, requests, close: () => new Promise<void>((resolve) => (http.closeAllConnections(), http.close(() => resolve()))) }
  }

  it('comes by client credentials, and lets the client in', async () => {
    const token = oauthToken('admin')
    const { client, requests, close } = await endpoint((authorization) => {
      expect(authorization).toBe(`Basic ${Buffer.from('id%3A1:s%25cret').toString('base64')}`)
      return { status: 200, body: JSON.stringify({ access_token: token, token_type: 'bearer' }) }
    })
    try {
      const sasl = { mechanism: 'oauthbearer', token: () => fetchToken(client) } as const
      expect(await reach(server.secure.saslPlaintext, { sasl })).toBe('connected')
      expect(requests[0]).toBe('grant_type=client_credentials&scope=kafka')
    } finally {
      await close()
    }
  }, 30_000)

  it.each([
    ['a refusal', { status: 401, body: '{}' }],
    ['a redirect', { status: 302, body: '{}' }],
    ['no token', { status: 200, body: '{"access_token": 7}' }],
    ['no JSON', { status: 200, body: 's%cret' }],
    ['a header in disguise', { status: 200, body: '{"access_token": "x\\r\\ny"}' }],
    ['a flood', { status: 200, body: `{"access_token":"${'x'.repeat(1_000_000)}"}` }],
  ])('that is %s is an error that shows nothing of it', async (_what, answer) => {
    const { client, close } = await endpoint(() => answer)
    try {
      const error = await fetchToken(client).catch((thrown: unknown) => thrown as Error)
      expect(String(error)).toContain('E_KAFKA_AUTHENTICATION')
      expect(String(error)).not.toMatch(/s%cret|xxx/)
    } finally {
      await close()
    }
  })
})
