import { createConnector, memoryDeadLetters, openSpool, silentLogger, systemClock } from '@millrace/sdk'
import type { SourceContext } from '@millrace/sdk'
import { expect, test } from 'vitest'
import { httpSource } from '../../src/http-source.ts'
import { bench, guardTests, handMadeContext, send, tempFolder, until } from '../kit.ts'

guardTests()

test('an event is answered with 202 and its id, and reaches its function with its headers unchanged', async () => {
  const { gateway, post } = await bench({ orders: { annotations: { topic: 'orders' } } })
  const answer = await post('orders', '{"n":1}', [
    ['content-type', 'application/json'],
    ['x-tenant', 'blue'],
    ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
    ['tracestate', 'a=1'],
  ])
  expect(answer.status).toBe(202)
  expect(answer.headers['content-type']).toBe('application/json')
  const [request] = await gateway.waitFor(1)
  expect(request?.text()).toBe('{"n":1}')
  expect(request?.eventId).toBe(answer.json()['id'])
  expect(request?.topic).toBe('orders')
  expect(request?.header('x-tenant')).toBe('blue')
  expect(request?.header('content-type')).toBe('application/json')
  expect(request?.header('traceparent')).toBe('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01')
  expect(request?.header('tracestate')).toBe('a=1')
  expect(request?.header('x-connector')).toBe('millrace/http-connector')
})

test('an Idempotency-Key becomes the id of the event', async () => {
  const { gateway, post } = await bench({ orders: { annotations: { topic: 'orders' } } })
  expect((await post('orders', 'x', [['idempotency-key', '"k-1"']])).json()).toEqual({ id: 'k-1' })
  const [request] = await gateway.waitFor(1)
  expect(request?.headerValues('idempotency-key')).toEqual(['k-1'])
})

test('202 comes only once the spool has the event; a full spool is 429, a broken one 503', async () => {
  const source = httpSource()
  const stored = Promise.withResolvers<boolean>()
  let accept: SourceContext['accept'] = () => stored.promise
  const session = await source.connect(handMadeContext({ accept: (delivery) => accept(delivery) }))
  try {
    let answer: number | undefined
    const sending = send(`${source.url}orders`, 'x').then(({ status }) => (answer = status))
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(answer).toBeUndefined()
    stored.resolve(true)
    expect(await sending).toBe(202)
    accept = () => Promise.resolve(false)
    const full = await send(`${source.url}orders`, 'x')
    expect([full.status, full.headers['retry-after'], full.json()['type']]).toEqual([429, '1', 'urn:millrace:problem:back-pressure'])
    accept = () => Promise.reject(new Error('no space'))
    const broken = await send(`${source.url}orders`, 'x')
    expect([broken.status, broken.headers['retry-after'], broken.json()['type']]).toEqual([503, '5', 'urn:millrace:problem:not-stored'])
  } finally {
    await session.close()
    await source.dispose?.()
  }
})

test('before the first connect: 503 with Retry-After; after the stop: nothing listens', async () => {
  const directory = await tempFolder()
  const spool = await openSpool({ directory, clock: systemClock, logger: silentLogger })
  const source = httpSource()
  const url = await source.listen()
  // Nothing listens on port 9 of this machine: the first list of functions never comes.
  const connector = createConnector({ source, spool, gateway: { url: 'http://127.0.0.1:9' }, deadLetters: memoryDeadLetters() })
  void connector.start()
  const answer = await send(`${url}orders`, 'x')
  expect([answer.status, answer.headers['retry-after'], answer.json()['type']]).toEqual([503, '5', 'urn:millrace:problem:not-ready'])
  expect((await send(url.replace('/topics/', '/healthz'), '', { method: 'GET' })).json()).toEqual({ status: 'ok' })
  await connector.kill()
  await spool.close()
  expect(source.url).toBeUndefined()
  await expect(send(`${url}orders`, 'x')).rejects.toThrow(/ECONNREFUSED/)
})

test('back-pressure of the topic or of all answers 429 for both forms, other topics go on', async () => {
  const source = httpSource()
  const taken: string[] = []
  const context = handMadeContext({
    accept: (delivery) => Promise.resolve(taken.push(delivery.intake) > 0),
    emit: (delivery) => void delivery.ack({ results: [] }),
  })
  const session = await source.connect(context)
  try {
    const status = async (path: string): Promise<number> => (await send(`${source.url}${path}`, 'x')).status
    expect(await status('orders')).toBe(202)
    session.pause(taken[0])
    expect([await status('orders'), await status('orders?wait=true'), await status('others')]).toEqual([429, 429, 202])
    session.pause()
    expect([await status('others'), await status('others?wait=1s')]).toEqual([429, 429])
    session.resume()
    session.resume(taken[0])
    expect([await status('orders'), await status('orders?wait=true')]).toEqual([202, 200])
  } finally {
    await session.close()
  }
})

test('the bound of the runtime comes back as 429 and the source takes events again when there is room', async () => {
  const gates: (() => void)[] = []
  const { gateway, post } = await bench(
    { slow: { annotations: { topic: 'slow' }, handler: () => new Promise((resolve) => gates.push(() => resolve())) } },
    { connector: { limits: { window: 4, maxInFlight: 64 } } },
  )
  const statuses: number[] = []
  for (let n = 0; n < 6; n += 1) statuses.push((await post('slow', String(n))).status)
  expect(statuses).toEqual([202, 202, 202, 202, 429, 429])
  await until('the functions were called', () => gates.length === 4)
  for (const open of gates.splice(0)) open()
  await until('all have answered', () => gateway.requests.every(({ status }) => status === 200))
  for (let tries = 0; statuses.at(-1) !== 202 && tries < 100; tries += 1) statuses.push((await post('slow', 'again')).status)
  expect(statuses.at(-1)).toBe(202)
  await until('called again', () => gates.length === 1)
  gates[0]?.()
})

test('during a drain the answer is 503, not 429: this connector goes, another may take it', async () => {
  const draining = new AbortController()
  const source = httpSource()
  const session = await source.connect(handMadeContext({ draining: draining.signal }))
  draining.abort()
  session.pause()
  const answer = await send(`${source.url}t`, 'x')
  expect([answer.status, answer.headers['retry-after']]).toEqual([503, '5'])
  await session.close()
})
