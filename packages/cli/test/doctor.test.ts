import { beforeAll, expect, test } from 'vitest'
import { rabbitmq, uniqueName, type SharedRabbitmq } from '../../../test/servers/rabbitmq.ts'
import { folderOf, later, provider, run } from './kit.ts'

let broker: SharedRabbitmq
beforeAll(async () => {
  broker = await rabbitmq.shared()
}, 180_000)

const entry = (name: string, ...annotations: readonly string[]): string =>
  `  ${name}:\n    handler: ./f\n    annotations:\n${annotations.map((line) => `      ${line}\n`).join('')}`

const stackOf = (...entries: readonly string[]): string =>
  folderOf({ 'stack.yaml': `${provider}functions:\n${entries.join('')}`, 'f/handler.js': 'throw new Error("it is not run")' })

interface Answer {
  readonly serverVersion: string
  readonly problems: readonly { readonly function: string }[]
  readonly found: readonly {
    readonly kind: string
    readonly name: string
    readonly status: string
    readonly code?: string
    readonly detail: string
  }[]
}

test('says what is there, missing, and other than it would be declared, and changes nothing', async () => {
  const vhost = uniqueName('doctor')
  await broker.addVhost(vhost)
  later(() => broker.deleteVhost(vhost))
  const user = { username: uniqueName('u'), password: 'p' }
  await broker.addUser(user)
  await broker.setPermissions(user.username, { configure: '.*', write: '.*', read: '^(?!secret).*' }, vhost)
  await broker.declareExchange('shop', 'topic', vhost)
  await broker.declareQueue('plain', { vhost })
  await broker.declareQueue('faas.openfaas-fn.other', { vhost, type: 'classic' })
  const cwd = stackOf(
    entry('bill', 'com.openfaas.connector.exchange: shop', 'com.openfaas.connector.routing-keys: orders.*'),
    entry('other', 'com.openfaas.connector.exchange: absent', 'com.openfaas.connector.routing-keys: a'),
    entry('ship', 'topic: plain, gone'),
    entry('wrong', 'topic: plain', 'com.openfaas.connector.prefetch: lots'),
  )
  const env = {
    rabbitmq_username: user.username,
    rabbitmq_password: user.password,
    rabbitmq_retry_delays: '5s',
    rabbitmq_vhost: vhost,
  }
  const args = ['doctor', '--rabbitmq', `amqp://${broker.host}:${broker.port}`]
  const before = await broker.management('GET', `/api/queues/${vhost}?columns=name,type`)
  const { code, json, err } = await run([...args, '--json'], { cwd, env })
  expect(code, err).toBe(1)
  const { found, problems, serverVersion } = json<Answer>()
  expect(serverVersion).toMatch(/^3\.10\./)
  expect(problems.map((problem) => problem.function)).toEqual(['wrong'])
  const lines = found.map(({ kind, name, status, code: error }) => [kind, name, status, ...(error === undefined ? [] : [error])].join(' '))
  expect(lines.toSorted()).toEqual([
    'exchange absent problem E_RABBITMQ_NOT_DECLARED',
    'exchange shop good',
    'queue faas.openfaas-fn.bill to-declare',
    'queue faas.openfaas-fn.bill.dlq to-declare',
    'queue faas.openfaas-fn.bill.retry.5s to-declare',
    'queue faas.openfaas-fn.other drift E_RABBITMQ_DRIFT',
    'queue faas.openfaas-fn.other.dlq to-declare',
    'queue faas.openfaas-fn.other.retry.5s to-declare',
    'queue gone problem E_RABBITMQ_NOT_DECLARED',
    'queue gone.dlq to-declare',
    'queue gone.retry.5s to-declare',
    'queue plain good',
    'queue plain.dlq to-declare',
    'queue plain.retry.5s to-declare',
  ])
  expect(await broker.management('GET', `/api/queues/${vhost}?columns=name,type`)).toEqual(before)
  const text = await run(args, { cwd, env })
  expect(text.out).toMatch(/ - queue +gone /)
  expect(text.out).toMatch(/2 good, 9 to be declared, 1 with other arguments, 3 problems/)
}, 60_000)

test('a broker that refuses the user is one coded error, and two places of functions are wrong usage', async () => {
  const cwd = stackOf(entry('f', 'topic: q'))
  const env = { rabbitmq_username: 'nobody', rabbitmq_password: 'canary' }
  const refused = await run(['doctor', '--rabbitmq', `amqp://${broker.host}:${broker.port}`], { cwd, env })
  expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('E_RABBITMQ_AUTHENTICATION') as unknown })
  expect(refused.err).not.toContain('canary')
  expect(await run(['doctor', '--stack', 's', '--gateway', 'http://g'], { cwd })).toMatchObject({ code: 2 })
}, 60_000)
