import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fakeGateway } from '@millrace/sdk/testing'
import { expect, test, vi } from 'vitest'
import { type HttpConnector, startHttp } from './kit/connector.ts'
import { CallLog } from './kit/ledger-view.ts'
import { atEnd, guardTests, tempFolder, until } from './kit/scope.ts'

guardTests()
vi.setConfig({ testTimeout: 60_000 })

const functionsIn = (connector: HttpConnector): Promise<number> => connector.metric('millrace_topic_map_functions')

test('T22 404 during a redeployment: the event waits and is delivered to the new one', async () => {
  const log = new CallLog()
  const gateway = await fakeGateway({ functions: { orders: log.function({ topic: 'orders' }) } })
  atEnd(() => gateway.close())
  // Long enough that the function is back before two lists have missed it.
  const connector = await startHttp({ gatewayUrl: gateway.url, env: { rebuild_interval: '700ms' } })
  await connector.ready()
  gateway.removeFunction('orders')
  const answer = connector.publish('orders?wait=true', '', { id: 'early' })
  await gateway.waitFor((requests) => requests.some(({ status }) => status === 404))
  gateway.setFunction('orders', { ...log.function({ topic: 'orders' }), createdAt: '2026-02-02T00:00:00Z' })
  // The new revision ends the slow wait of the 404 clock; a 404 uses up no attempt.
  expect((await answer).json()['results']).toEqual([{ function: 'orders.openfaas-fn', outcome: 'done', status: 200, attempts: 1 }])
  expect(log.calls.map(({ id }) => id)).toEqual(['early'])
  await connector.settled()
  expect(await connector.letters()).toEqual([])
})

test('K8 T22 a removed function gets no call after two lists have missed it, its waiting events are dropped and counted, and it can return', async () => {
  const log = new CallLog()
  const gateway = await fakeGateway({ functions: { orders: log.function({ topic: 'orders' }), other: log.function({ topic: 'other' }) } })
  atEnd(() => gateway.close())
  const connector = await startHttp({ gatewayUrl: gateway.url, env: { rebuild_interval: '700ms' } })
  await connector.ready()
  gateway.removeFunction('orders')
  expect((await connector.publish('orders', '', { id: 'waits' })).status).toBe(202)
  await until(
    'it is gone',
    () => functionsIn(connector),
    (count) => count === 1,
  )
  await connector.settled()
  expect(await connector.metric('millrace_events_dropped_total', { function: 'orders' })).toBe(1)
  const calls = gateway.requestsOf('orders').length
  expect((await connector.publish('orders?wait=true', '', { id: 'nobody' })).json()).toEqual({ id: 'nobody', results: [] })
  expect(gateway.requestsOf('orders')).toHaveLength(calls)
  expect((await connector.publish('other?wait=true')).json()['results']).toMatchObject([{ outcome: 'done' }])
  gateway.setFunction('orders', { ...log.function({ topic: 'orders' }), createdAt: '2026-02-02T00:00:00Z' })
  await until(
    'it is back',
    () => functionsIn(connector),
    (count) => count === 2,
  )
  expect((await connector.publish('orders?wait=true', '', { id: 'again' })).json()['results']).toMatchObject([{ outcome: 'done' }])
  await connector.settled()
})

test('openfaas S8 S13 an annotation that changes while events flow: from the next list on the new topics hold, and none is lost', async () => {
  const log = new CallLog()
  const gateway = await fakeGateway({ functions: { orders: log.function({ topic: 'old' }) } })
  atEnd(() => gateway.close())
  const connector = await startHttp({ gatewayUrl: gateway.url, env: { unmatched: 'dead-letter' } })
  await connector.ready()
  expect((await connector.publish('old?wait=true', '', { id: 'first' })).json()['results']).toMatchObject([{ outcome: 'done' }])
  gateway.annotate('orders', { topic: 'new , new' })
  const tried: string[] = []
  const attempt = async (): Promise<string | undefined> => {
    const id = `n-${tried.length}`
    tried.push(id)
    const results = (await connector.publish('new?wait=true', '', { id })).json()['results'] as { outcome: string }[]
    return results[0]?.outcome
  }
  await until('the new topic is wanted', attempt, (outcome) => outcome === 'done')
  expect((await connector.publish('old?wait=true', '', { id: 'last' })).json()['results']).toMatchObject([
    { outcome: 'dead-lettered', reason: 'unmatched' },
  ])
  await connector.settled()
  const dead = (await connector.letters()).map(({ event }) => event.id)
  // Each one either reached the function, once, or lies in the dead letters, as the policy says.
  expect([...log.calls.map(({ id }) => id), ...dead].toSorted()).toEqual(['first', 'last', ...tried].toSorted())
  // What the function says of its retries and its time changes the same way.
  gateway.annotate('orders', { topic: 'new', 'com.openfaas.retry.attempts': '1' })
  gateway.faults.add({ match: { event: 'once' }, then: { status: 500 } })
  await until(
    'the map has the new policy',
    () => connector.output(),
    (text) => text.split('the functions have changed').length > 3,
  )
  await connector.publish('new?wait=true', '', { id: 'good' })
  expect((await connector.publish('new?wait=true', '', { id: 'once' })).json()['results']).toMatchObject([
    { outcome: 'dead-lettered', attempts: 1 },
  ])
  await connector.settled()
})

test('T15 openfaas S2 the gateway password is rotated: the refused list names the credentials, the new file is used, the map stayed', async () => {
  const gateway = await fakeGateway({
    functions: { orders: { annotations: { topic: 'orders' } } },
    basicAuth: { user: 'admin', password: 'new-password' },
  })
  atEnd(() => gateway.close())
  const secrets = join(tempFolder(), 'secrets')
  await mkdir(secrets)
  const rotate = async (password: string): Promise<void> => {
    // As Kubernetes does: the file is replaced, never written in place.
    await writeFile(join(secrets, 'next'), `${password}\n`)
    await rename(join(secrets, 'next'), join(secrets, 'basic-auth-password'))
  }
  await writeFile(join(secrets, 'basic-auth-user'), 'admin\n')
  await rotate('old-password')
  const connector = await startHttp({ gatewayUrl: gateway.url, env: { basic_auth: 'true', secret_mount_path: secrets } })
  const refused = (): Promise<number> => connector.metric('millrace_discovery_failures_total', { code: 'E_GATEWAY_AUTH' })
  await until('the old password is refused', refused, (count) => count > 0)
  expect((await connector.admin('/readyz')).status).toBe(503)
  expect(connector.output()).toContain('the gateway refused the credentials')
  await rotate('new-password')
  await connector.ready()
  expect((await connector.publish('orders?wait=true')).json()['results']).toMatchObject([{ outcome: 'done' }])
  // Away again: the map that is known goes on serving.
  const before = await refused()
  await rotate('wrong-again')
  await until('the wrong one is refused', refused, (count) => count > before)
  expect((await connector.publish('orders?wait=true')).json()['results']).toMatchObject([{ outcome: 'done' }])
  await rotate('new-password')
  await until(
    'the list is good',
    () => connector.metric('millrace_topic_map_age_seconds'),
    (age) => age < 0.5,
  )
  await connector.settled()
  expect(connector.output()).not.toMatch(/old-password|new-password|wrong-again/)
  expect(gateway.requests.every((request) => request.header('authorization') === undefined)).toBe(true)
})
