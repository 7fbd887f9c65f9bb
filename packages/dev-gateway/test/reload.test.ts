import { join } from 'node:path'
import { expect, test } from 'vitest'
import { call, folderOf, gatewayOf, nextEvent, provider, started } from './kit.ts'

const list = async (url: string): Promise<{ name: string; createdAt: string; annotations?: Record<string, string> }[]> =>
  (await (await fetch(`${url}/system/functions`)).json()) as { name: string; createdAt: string }[]

test('a reload adds, changes and removes functions, and leaves the others running', async () => {
  const gateway = await gatewayOf({
    keeps: 'let n = 0\nmodule.exports = async () => String(n += 1)',
    goes: "module.exports = async () => 'x'",
  })
  expect((await call(gateway, '/function/keeps')).body).toBe('1')
  const before = await list(gateway.url)
  gateway.write('new/handler.js', "module.exports = async () => 'new'")
  gateway.write(
    'stack.yaml',
    `${provider}functions:\n  keeps: { handler: ./keeps, annotations: { topic: t } }\n  new: { handler: ./new }\n`,
  )
  const told = nextEvent(gateway, 'stack:reloaded')
  await gateway.reload()
  expect(await told).toMatchObject({ functions: 2, changed: ['keeps.openfaas-fn', 'new.openfaas-fn', 'goes.openfaas-fn'] })
  expect((await call(gateway, '/function/keeps')).body).toBe('2')
  expect((await call(gateway, '/function/new')).body).toBe('new')
  expect((await call(gateway, '/function/goes')).status).toBe(404)
  const after = await list(gateway.url)
  expect(after.map(({ name, annotations }) => [name, annotations?.['topic']])).toEqual([
    ['keeps', 't'],
    ['new', undefined],
  ])
  expect(after[0]?.createdAt).toBe(before[0]?.createdAt)
})

test('changed code is a new deployment; a call that runs finishes in the old one', async () => {
  const gateway = await gatewayOf({ f: "module.exports = () => new Promise((done) => setTimeout(done, 300, 'old'))" })
  const [before] = await list(gateway.url)
  const running = call(gateway, '/function/f')
  await nextTick()
  gateway.write('f/handler.js', "module.exports = async () => 'new code'")
  await gateway.reload()
  expect((await call(gateway, '/function/f')).body).toBe('new code')
  expect(await running).toMatchObject({ status: 200, body: 'old' })
  expect((await list(gateway.url))[0]?.createdAt).not.toBe(before?.createdAt)
})

const nextTick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50))

test('a broken stack file keeps the last good one and says why', async () => {
  const gateway = await gatewayOf({ f: "module.exports = async () => 'still here'" })
  const refused = nextEvent(gateway, 'stack:refused')
  gateway.write('stack.yaml', `${provider}functions:\n  f: { handler: 7 }\n`)
  await expect(gateway.reload()).rejects.toThrow(/E_STACK_INVALID[^]*stack\.yaml:4: functions\.f\.handler/)
  expect((await refused).error.message).toContain('stack.yaml:4')
  expect((await call(gateway, '/function/f')).body).toBe('still here')
})

test('files are watched: saving a handler is enough', async () => {
  const gateway = await gatewayOf({ f: "module.exports = async () => 'one'" }, { watch: true })
  const told = nextEvent(gateway, 'stack:reloaded')
  gateway.write('f/handler.js', "module.exports = async () => 'two'")
  await told
  expect((await call(gateway, '/function/f')).body).toBe('two')
})

test('a fault plan is read from its file and again at a reload', async () => {
  const { path, write } = folderOf({
    'stack.yaml': `${provider}functions: { f: { handler: ./f } }\n`,
    'f/handler.js': "module.exports = async () => 'fine'",
    'faults.yaml': 'rules: [{ match: { function: f, attempt: 1 }, then: { status: 503, retryAfter: 2 } }]',
  })
  const gateway = await started({ stack: join(path, 'stack.yaml'), faultPlan: join(path, 'faults.yaml') })
  const first = nextEvent(gateway, 'function:invoked')
  const { status, headers } = await call(gateway, '/function/f', {
    headers: { 'x-delivery-attempt': '1', 'x-topic': 't', 'x-event-id': 'e' },
  })
  expect([status, headers.get('retry-after')]).toEqual([503, '2'])
  expect(await first).toMatchObject({ function: 'f', status: 503, topic: 't', eventId: 'e', attempt: 1, fault: 'rule 1', queued: false })
  expect((await call(gateway, '/function/f', { headers: { 'x-delivery-attempt': '2' } })).body).toBe('fine')
  write('faults.yaml', 'rules: [{ then: { status: 1 } }]')
  await expect(gateway.reload()).rejects.toThrow('E_FAULTPLAN_INVALID')
  expect((await call(gateway, '/function/f', { headers: { 'x-delivery-attempt': '1' } })).status).toBe(503)
  write('faults.yaml', 'rules: []')
  await gateway.reload()
  expect((await call(gateway, '/function/f', { headers: { 'x-delivery-attempt': '1' } })).status).toBe(200)
})
