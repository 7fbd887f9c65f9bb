import { Secret, silentLogger } from '@millrace/sdk'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { examineRabbitmq } from '../../src/examine.ts'
import { defaultTopology } from '../../src/topology/options.ts'
import { onlyIntake, TopologyBench } from './topology-kit.ts'
import { fn, plan } from '../topology/kit.ts'
import { uniqueName } from './kit.ts'

let bench: TopologyBench

beforeEach(async () => {
  bench = await TopologyBench.open()
}, 120_000)

afterEach(() => bench.bench.close())

test('a right to bind that is missing is found, and looking changes no binding', async () => {
  const { broker } = bench.bench
  const functions = [fn('bill.x', { exchange: 'shop', 'exchange-type': 'topic', 'routing-keys': 'orders.*' })]
  const intake = onlyIntake(plan(functions))
  await bench.applier().apply(await bench.link(), intake)
  const user = { username: uniqueName('user'), password: 'pw' }
  await broker.addUser(user)
  bench.bench.atEnd(async () => void (await broker.management('DELETE', `/api/users/${user.username}`)))
  const examine = async (read: string) => {
    await broker.setPermissions(user.username, { configure: '.*', write: '.*', read }, bench.vhost)
    const login = { username: user.username, password: new Secret(user.password) }
    const connection = { hosts: [{ host: '127.0.0.1', port: broker.port }], vhost: bench.vhost, material: () => Promise.resolve({ login }) }
    const { found } = await examineRabbitmq({ connection, topology: defaultTopology, functions, logger: silentLogger })
    return found.filter(({ kind, status }) => kind === 'binding' || status === 'problem')
  }
  expect(await examine('.*')).toEqual([])
  expect(await examine('^faas')).toMatchObject([
    { kind: 'binding', name: `shop -> ${intake.queue}`, status: 'problem', code: 'E_RABBITMQ_DENIED' },
  ])
  expect(await bench.bindings(intake.queue)).toEqual(['shop/orders.*'])
})
