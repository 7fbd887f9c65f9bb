import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fakeGateway, type FakeGateway } from '@millrace/sdk/testing'
import { beforeAll, describe, expect, test } from 'vitest'
import { spawnConnector, startConnector, type Connector } from '../processes/connector.ts'
import { scratchFolder } from '../processes/reaper.ts'
import { waitUntil } from '../processes/wait-until.ts'
import { publishConfirmed, rabbitmq, uniqueName, withChannel, type SharedRabbitmq } from '../servers/rabbitmq.ts'

const main = fileURLToPath(new URL('../../packages/rabbitmq-connector/dist/main.js', import.meta.url))
const timeout = 90_000

let broker: SharedRabbitmq
beforeAll(async () => {
  broker = await rabbitmq.shared()
}, 180_000)

type Functions = NonNullable<NonNullable<Parameters<typeof fakeGateway>[0]>['functions']>

const write = (name: string, text: string): string => {
  const path = join(scratchFolder('rabbitmq-program').path, name)
  writeFileSync(path, text)
  return path
}

/** What one test starts and makes; ends with it. */
class Bench {
  readonly #ends: (() => Promise<unknown>)[] = []

  atEnd(end: () => Promise<unknown>): void {
    this.#ends.unshift(end)
  }

  async gateway(functions: Functions): Promise<FakeGateway> {
    const gateway = await fakeGateway({ functions })
    this.atEnd(() => gateway.close())
    return gateway
  }

  async start(env: Readonly<Record<string, string>>, args: readonly string[] = []): Promise<Connector> {
    const connector = await startConnector({ main, args, env: { rebuild_interval: '200ms', ...env } })
    this.atEnd(() => connector.kill9())
    return connector
  }

  /** A virtual host of its own. */
  async vhost(): Promise<string> {
    const vhost = uniqueName('program')
    await broker.addVhost(vhost)
    this.atEnd(() => broker.deleteVhost(vhost))
    return vhost
  }

  /** A connector with a queue to consume, and something wrong about it. */
  async broken(env: Readonly<Record<string, string>>): Promise<Connector> {
    const gateway = await this.gateway({ bill: { annotations: { topic: 'q' } } })
    const { username, password } = broker.credentials.admin
    const credentials = { rabbitmq_username: username, ...(env['rabbitmq_password_file'] === undefined && { rabbitmq_password: password }) }
    return this.start({ gateway_url: gateway.url, rabbitmq_url: `amqp://127.0.0.1:${broker.port}`, ...credentials, ...env })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#ends.splice(0)) await end()
  }
}

const delays = ['5s', '30s', '5m', '30m']

const called = (gateway: FakeGateway, count: number): Promise<void> =>
  waitUntil(() => gateway.requests.length >= count, {
    timeoutMs: 30_000,
    what: () => `${count} calls, there were ${gateway.requests.length}`,
  })

/** The log line of a code. It must say what to do. */
const complaint = async (connector: Connector, code: string): Promise<string> => {
  const find = (): Readonly<Record<string, unknown>> | undefined =>
    connector.logs().find((line) => line['code'] === code && typeof line['fix'] === 'string')
  await waitUntil(() => find() !== undefined, { timeoutMs: 30_000, what: () => `${code}:\n${connector.output().slice(-4000)}` })
  expect(connector.running).toBe(true)
  expect((await connector.get('/livez')).status).toBe(200)
  return `${String(find()?.['msg'])} ${String(find()?.['error'])} ${String(find()?.['fix'])}`
}

const publish = (vhost: string, target: { readonly exchange: string; readonly routingKey: string }, body: string): Promise<void> =>
  withChannel(broker.url({ vhost }), (channel) => publishConfirmed(channel, target, body, { messageId: body, contentType: 'text/x-test' }))

describe.concurrent('a configuration that is wrong', () => {
  test('ends the process with 2, and all of it is said without the password', { timeout }, async () => {
    const child = await spawnConnector({
      main,
      env: {
        rabbitmq_url: 'https://me:canary@host',
        queues: '[{"durable": 1}]',
        upstream_timeout: '30',
        PATH_TO_TOPOLOGY: write('topology.yaml', '- name: Ex\n  topics: [a]\n  colour: blue\n'),
      },
    })
    expect((await child.exited).code).toBe(2)
    const text = child.output()
    for (const part of ['rabbitmq_url', 'the scheme is not allowed', 'queues', 'the unit is missing', 'line:3', 'colour', 'example'])
      expect(text).toContain(part)
    expect(text).not.toContain('canary')
  })

  test('--print-config tells where each value comes from, without secrets', { timeout }, async () => {
    const child = await spawnConnector({
      main,
      args: ['--print-config'],
      env: { rabbitmq_url: 'amqp://me:canary@host/shop', RMQ_PORT: '5673' },
    })
    expect((await child.exited).code).toBe(0)
    expect(child.output()).toContain('amqp://[hidden]@host/shop')
    expect(child.output()).toMatch(/rabbitmq_default_port: .?5673.?  # env RMQ_PORT/)
    expect(child.output()).not.toContain('canary')
  })
})

describe.concurrent('deployments of other connectors change their image', () => {
  test('Pro: a URL with TLS, queues as JSON, secrets in mounted files', { timeout }, async () => {
    const { username, password } = broker.credentials.admin
    const queue = uniqueName('pro')
    await using bench = new Bench()
    bench.atEnd(async () => {
      for (const name of [queue, `${queue}.dlq`, ...delays.map((wait) => `${queue}.retry.${wait}`)]) await broker.deleteQueue(name)
    })
    const gateway = await bench.gateway({ ship: { annotations: { topic: queue } } })
    const args = ['-username-file', write('username', username), '-password-file', write('password', `${password}\n`)]
    const connector = await bench.start(
      {
        gateway_url: gateway.url,
        rabbitmq_url: `amqps://localhost:${broker.tlsPort}`,
        queues: JSON.stringify([{ name: queue, durable: true, nowait: false, autodelete: false, exclusive: false }]),
        rabbitmq_management_url: broker.managementUrl,
        rabbitmq_depth_interval: '1s',
        topics: 'faas-request',
        print_response: 'true',
      },
      [...args, '-ca-file', write('ca', broker.certificates.ca)],
    )
    await connector.ready()
    await broker.publish(queue, ['hello'], { messageId: 'm-1' })
    await called(gateway, 1)
    const [request] = gateway.requests
    expect(request?.body.toString()).toBe('hello')
    const headers = ['x-topic', 'x-rabbitmq-msg-id', 'x-rabbitmq-routing-key'].map((name) => request?.header(name))
    expect(headers).toEqual([queue, 'm-1', queue])
    const known = async (): Promise<boolean> =>
      (await connector.get('/metrics')).text.includes(`millrace_rabbitmq_unacked_messages{queue="${queue}"}`)
    await waitUntil(known, { timeoutMs: 20_000, what: 'the depth of the queue' })
    expect((await connector.stop()).code).toBe(0)
    expect(connector.output()).not.toContain(password)
  })

  test('Templum: its variables and topology, its queues as they are', { timeout }, async () => {
    await using bench = new Bench()
    const vhost = await bench.vhost()
    const { username, password } = broker.credentials.admin
    const queue = 'OpenFaaS_Ex_orders.created'
    // As Templum has made them: nothing of ours about them.
    await withChannel(broker.url({ vhost }), async (channel) => {
      await channel.assertExchange('Ex', 'topic', { durable: true })
      await channel.assertQueue(queue, { durable: true })
      await channel.bindQueue(queue, 'Ex', 'orders.created')
    })
    const gateway = await bench.gateway({ bill: { annotations: { topic: 'orders.created' } } })
    const connector = await bench.start({
      OPEN_FAAS_GW_URL: gateway.url,
      RMQ_HOST: 'localhost',
      RMQ_PORT: String(broker.mtlsPort),
      RMQ_VHOST: vhost,
      RMQ_USER: username,
      RMQ_PASS: password,
      TLS_ENABLED: 'true',
      TLS_CA_CERT_PATH: write('ca.pem', broker.certificates.ca),
      TLS_SERVER_CERT_PATH: write('cert.pem', broker.certificates.client.cert),
      TLS_SERVER_KEY_PATH: write('key.pem', broker.certificates.client.key),
      TOPIC_MAP_REFRESH_TIME: '1s',
      REQ_TIMEOUT: '30s',
      INSECURE_SKIP_VERIFY: 'false',
      MAX_CLIENT_PER_HOST: '256',
      PATH_TO_TOPOLOGY: write('topology.yaml', '- name: Ex\n  topics: [orders.created]\n  declare: true\n  type: topic\n  durable: true\n'),
      rebuild_interval: '',
    })
    await connector.ready()
    await publish(vhost, { exchange: 'Ex', routingKey: 'orders.created' }, 'm-1')
    await called(gateway, 1)
    const headers = ['x-topic', 'content-type'].map((name) => gateway.requests[0]?.header(name))
    expect(headers).toEqual(['orders.created', 'text/x-test'])
    expect((await connector.stop()).code).toBe(0)
    expect(await broker.depth(queue, vhost)).toEqual({ ready: 0, unacked: 0 })
  })
})

describe.concurrent('what is wrong outside is said with a code and with what to do', () => {
  test('T15 a wrong password in a file, then the right one, by the same process', { timeout }, async () => {
    await using bench = new Bench()
    const vhost = await bench.vhost()
    const file = write('password', 'canary-wrong')
    const connector = await bench.broken({ rabbitmq_password_file: file, rabbitmq_vhost: vhost, rabbitmq_declare_topics: 'true' })
    expect(await complaint(connector, 'E_RABBITMQ_AUTHENTICATION')).toContain('admin')
    expect((await connector.get('/readyz')).status).toBe(503)
    writeFileSync(file, broker.credentials.admin.password)
    await connector.ready()
    expect(connector.output()).not.toContain('canary-wrong')
  })

  test('a wrong virtual host, a wrong authority, nobody there', { timeout }, async () => {
    await using bench = new Bench()
    const cases = [
      ['E_RABBITMQ_VHOST', { rabbitmq_vhost: 'no-such' }, /list_vhosts/],
      ['E_RABBITMQ_TLS', { rabbitmq_url: `amqps://localhost:${broker.tlsPort}` }, /CA/],
      ['E_RABBITMQ_UNREACHABLE', { rabbitmq_url: 'amqp://127.0.0.1:1' }, /host and port/],
    ] as const
    await Promise.all(
      cases.map(async ([code, env, advice]) => {
        const connector = await bench.broken(env)
        expect(await complaint(connector, code)).toMatch(advice)
        expect((await connector.get('/readyz')).status).toBe(503)
      }),
    )
  })
})

describe.concurrent('the rights that the README names are enough', () => {
  const readme = readFileSync(new URL('../../packages/rabbitmq-connector/README.md', import.meta.url), 'utf8')
  const rights = [...readme.matchAll(/^rabbitmqctl set_permissions -p \/ millrace '(.*)' '(.*)' '(.*)'$/gm)].map(
    ([, configure = '', write_ = '', read = '']) => ({ configure, write: write_, read }),
  )
  const user = { username: uniqueName('rights'), password: 'p' }

  test.each([
    ['to declare', 0, 'true'],
    ['without declaring', 1, 'false'],
  ])('%s', { timeout }, async (_what, index, declare) => {
    const permissions = rights[index] ?? { configure: '', write: '', read: '' }
    expect(permissions.read).not.toBe('')
    await using bench = new Bench()
    const vhost = await bench.vhost()
    const own = { ...user, username: `${user.username}-${index}` }
    await broker.addUser(own)
    await broker.setPermissions(own.username, permissions, vhost)
    await broker.declareExchange('shop', 'topic', vhost)
    await broker.declareQueue('parcels', { vhost })
    const annotations = { 'com.openfaas.connector.exchange': 'shop', 'com.openfaas.connector.routing-keys': 'orders.*' }
    const gateway = await bench.gateway({
      ...(declare === 'true' && { bill: { annotations } }),
      ship: { annotations: { topic: 'parcels' }, handler: () => ({ status: 400 }) },
    })
    const env = { gateway_url: gateway.url, rabbitmq_username: own.username, rabbitmq_password: own.password, rabbitmq_vhost: vhost }
    if (declare === 'false')
      for (const name of ['parcels.dlq', ...delays.map((wait) => `parcels.retry.${wait}`)]) await broker.declareQueue(name, { vhost })
    const connector = await bench.start({ ...env, rabbitmq_url: `amqp://127.0.0.1:${broker.port}`, rabbitmq_declare: declare })
    await connector.ready()
    await publish(vhost, { exchange: '', routingKey: 'parcels' }, 'm-1')
    await called(gateway, 1)
    // Refused for good: a letter goes through the default exchange.
    const written = async (): Promise<boolean> => (await broker.depth('parcels.dlq', vhost))?.ready === 1
    await waitUntil(written, { timeoutMs: 20_000, what: () => `a letter\n${connector.output().slice(-3000)}` })
    if (declare === 'true') {
      await publish(vhost, { exchange: 'shop', routingKey: 'orders.created' }, 'm-2')
      await called(gateway, 2)
    }
    expect(connector.logs().filter((line) => String(line['code']).startsWith('E_RABBITMQ'))).toEqual([])
  })
})
