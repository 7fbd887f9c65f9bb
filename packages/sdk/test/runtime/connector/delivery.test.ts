import { expect, test } from 'vitest'
import type { Source } from '../../../src/contract/source.ts'
import { memoryLog } from '../../../src/testing/memory-log.ts'
import { memorySource } from '../../../src/testing/memory-source.ts'
import { bench, until } from './start-connector.ts'

test('an event reaches its function with its headers, and the position moves only after it', async () => {
  let answer: (() => void) | undefined
  const { gateway, connector, log } = await bench({
    orders: { annotations: { topic: 'orders.created' }, handler: () => new Promise((resolve) => (answer = resolve)) },
  })
  await connector.start()
  log.publish('orders.created', { data: '{"n":1}', contentType: 'application/json', id: 'e-1' })
  const [request] = await gateway.waitFor(1)
  expect(log.position()).toBe(0)
  expect(request?.headerValues('x-topic')).toEqual(['orders.created'])
  expect(request?.headerValues('x-event-id')).toEqual(['e-1'])
  expect(request?.headerValues('idempotency-key')).toEqual(['e-1'])
  expect(request?.headerValues('x-delivery-attempt')).toEqual(['1'])
  expect(request?.headerValues('x-connector')).toEqual(['millrace/memory-connector'])
  expect(request?.headerValues('content-type')).toEqual(['application/json'])
  expect(request?.headerValues('authorization')).toEqual([])
  await until('the function was called', () => answer !== undefined)
  answer?.()
  await until('acknowledged', () => log.position() === 1)
  expect(connector.stats()).toMatchObject({ received: 1, acked: 1, drift: 0 })
})

test('only the function that failed is called again', async () => {
  let calls = 0
  const { gateway, connector, log } = await bench({
    good: { annotations: { topic: 't' } },
    bad: { annotations: { topic: 't' }, handler: () => ({ status: (calls += 1) < 3 ? 500 : 200 }) },
  })
  await connector.start()
  log.publish('t', { data: 'x' })
  await until('acknowledged', () => log.position() === 1)
  expect(gateway.requestsOf('good')).toHaveLength(1)
  expect(gateway.requestsOf('bad').map((r) => r.headerValues('x-delivery-attempt')[0])).toEqual(['1', '2', '3'])
})

test.each([
  ['as its source says, and those are offered to it', 40, 2],
  ['where its source says more: shorter waits are its own', 60, 0],
])('waits from on %s', async (_what, deferFromMs, expected) => {
  let deferred = 0
  let calls = 0
  const log = memoryLog()
  const source = memorySource(log, { defer: true })
  const counting: Source = {
    ...source,
    deferFromMs,
    defer: async (...given) => {
      deferred += 1
      return (await source.defer?.(...given)) ?? false
    },
  }
  const policy = { retry: { minWaitMs: 50, maxWaitMs: 50, jitter: 'none' as const } }
  const { connector } = await bench(
    { bad: { annotations: { topic: 't' }, handler: () => ({ status: (calls += 1) < 3 ? 500 : 200 }) } },
    { connector: { source: counting, policy } },
  )
  await connector.start()
  log.publish('t', { data: 'x' })
  await until('three calls', () => calls === 3)
  expect(deferred).toBe(expected)
})

test('invoke() gives a result for each function, nothing swallowed', async () => {
  const { connector } = await bench({
    a: { annotations: { topic: 'payments' } },
    b: { annotations: { topic: 'payments' }, handler: () => ({ status: 422 }) },
  })
  await connector.start()
  const results = await connector.invoke('payments', 'body', { headers: { 'X-Trace': '1' } })
  expect(results).toEqual([
    { function: 'a.openfaas-fn', attempts: 1, outcome: 'done', status: 200 },
    { function: 'b.openfaas-fn', attempts: 1, outcome: 'failed', status: 422, reason: 'rejected' },
  ])
  expect(await connector.invoke('nobody', 'body')).toEqual([])
})

test('invoke() is bounded: what is too much is refused and takes no place', async () => {
  const answers: (() => void)[] = []
  const { connector } = await bench(
    { a: { annotations: { topic: 't' }, handler: () => new Promise<void>((resolve) => void answers.push(resolve)) } },
    { connector: { limits: { window: 2 } } },
  )
  await connector.start()
  const taken = [connector.invoke('t', '1'), connector.invoke('t', '2')]
  await expect(connector.invoke('t', '3')).rejects.toMatchObject({ code: 'E_INVOKE_FULL' })
  await until('both called', () => answers.length === 2)
  for (const answer of answers) answer()
  await Promise.all(taken)
  answers.length = 0
  const again = connector.invoke('t', '4')
  await until('called again', () => answers.length === 1)
  answers[0]?.()
  expect(await again).toMatchObject([{ outcome: 'done' }])
})

test('a slow or throwing reply listener never stalls delivery', async () => {
  const { connector, log } = await bench({ a: { annotations: { topic: 't' }, handler: () => 'answer' } })
  const seen: string[] = []
  connector.on('reply', ({ reply }) => {
    seen.push(Buffer.from(reply.body).toString())
    throw new Error('planted')
  })
  await connector.start()
  log.publish('t', { data: '1' }, { data: '2' })
  await until('acknowledged', () => log.position() === 2)
  await until('listened', () => seen.length === 2)
  expect(seen).toEqual(['answer', 'answer'])
})

test('functions of several namespaces are called by NAME.NAMESPACE, and a denied namespace is not', async () => {
  const { gateway, connector, log } = await bench(
    { 'a.team-1': { annotations: { topic: 't' } }, 'a.team-2': { annotations: { topic: 't' } } },
    { connector: { namespaces: { deny: ['team-2'] } }, gateway: { namespaces: ['team-1', 'team-2'] } },
  )
  await connector.start()
  log.publish('t', { data: 'x' })
  await until('acknowledged', () => log.position() === 1)
  expect(gateway.requests.map((r) => r.path)).toEqual(['/function/a.team-1'])
  expect(connector.explain('t').nearMisses).toMatchObject([{ function: 'a.team-2', code: 'namespace' }])
})
