import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fakeGateway, type FakeGateway } from '@millrace/sdk/testing'
import { expect, test, vi } from 'vitest'
import { type HttpConnector, startCron, startHttp } from './kit/connector.ts'
import { atEnd, guardTests, until } from './kit/scope.ts'

guardTests()
vi.setConfig({ testTimeout: 60_000 })

const start = async (gateway: FakeGateway, env: Readonly<Record<string, string>> = {}): Promise<HttpConnector> => {
  atEnd(() => gateway.close())
  const connector = await startHttp({ gatewayUrl: gateway.url, env })
  await connector.ready()
  return connector
}

const calledFor = async (connector: HttpConnector, topic: string): Promise<string[]> => {
  const answer = await connector.publish(`${topic}?wait=true`)
  return (answer.json()['results'] as { function: string }[]).map((result) => result.function)
}

/** Another origin, which must never hear of anything. */
const otherOrigin = async (): Promise<{ url: string; seen: IncomingMessage[] }> => {
  const seen: IncomingMessage[] = []
  const server = createServer((request, response) => {
    seen.push(request)
    response.end('[]')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  atEnd(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen }
}

test('T34 T31 names of functions that are paths, hosts, queries or too long: never called, reported, and the good one is served', async () => {
  const names = [
    '../system/secrets',
    '..',
    '.',
    '%2e%2e',
    '%2e%2e%2fsystem%2fsecrets',
    'a/b',
    'a?x',
    'a#b',
    'a@host',
    '//evil',
    '\\\\evil',
    'a\r\nX-Evil: 1',
    'a b',
    '',
    'a'.repeat(300),
    'fn\u3002kube-system',
    'ＦＮ',
    'a\u0000b',
    '-a',
    'a-',
    '__proto__x/',
    'fn.kube-system',
    'http://evil/',
    'a;b',
    'a:8080',
  ]
  const gateway = await fakeGateway({ functions: { good: { annotations: { topic: 't' } } } })
  for (const [index, name] of names.entries()) gateway.setFunction(`bad${index}`, { annotations: { topic: 't' }, extra: { name } })
  const connector = await start(gateway)
  expect(await calledFor(connector, 't')).toEqual(['good.openfaas-fn'])
  expect(await connector.metric('millrace_topic_map_functions')).toBe(1)
  expect(gateway.requests.map(({ path }) => path)).toEqual(['/function/good.openfaas-fn'])
  expect(gateway.systemRequests.every(({ path }) => ['/system/namespaces', '/system/functions', '/healthz'].includes(path))).toBe(true)
  const { problems } = (await connector.admin('/explain?topic=t')).json() as { problems: { function: string }[] }
  expect(problems.length).toBeGreaterThan(0)
  for (const line of connector.output().split('\n')) expect(line).not.toMatch(/\p{Cc}/u)
  await connector.settled()
})

test('T35 a namespace in a name, or one that is not watched: never called', async () => {
  const gateway = await fakeGateway({
    namespaces: ['openfaas-fn', 'kube-system'],
    functions: {
      good: { annotations: { topic: 't' } },
      sneaky: { annotations: { topic: 't' }, extra: { name: 'api.kube-system' } },
      liar: { annotations: { topic: 't' }, extra: { namespace: 'kube-system' } },
      odd: { annotations: { topic: 't' }, extra: { namespace: '../x' } },
      'inside.kube-system': { annotations: { topic: 't' } },
    },
  })
  const connector = await start(gateway, { namespaces: 'openfaas-fn' })
  const called = await calledFor(connector, 't')
  expect(called).toContain('good.openfaas-fn')
  expect(gateway.requests.filter(({ path }) => /kube|%|\.\./.test(path))).toEqual([])
  expect(called.filter((name) => !name.endsWith('.openfaas-fn'))).toEqual([])
  await connector.settled()
})

test('T40 T31 openfaas S13 annotations of a megabyte, ten thousand topics, blanks, patterns, regular expressions, prototypes: bounded, and nobody else is hurt', async () => {
  const topics = Array.from({ length: 10_000 }, (_, index) => `many-${index}`).join(',')
  const gateway = await fakeGateway({
    functions: {
      good: { annotations: { topic: ' t , t,, ' } },
      huge: { annotations: { topic: 'x'.repeat(1024 * 1024) } },
      many: { annotations: { topic: topics } },
      star: { annotations: { topic: '*' } },
      all: { annotations: { topic: '#' } },
      empty: { annotations: { topic: '' } },
      spaces: { annotations: { topic: '   ' } },
      regex: { annotations: { topic: '(.+)+$, [a-z]*, t.*' } },
      broken: { annotations: { topic: 'a.**.b, a.>.b, >.a, a\u0000b, \u202Et' } },
      proto: { extra: { annotations: JSON.parse('{"__proto__":"t","constructor":"t","topic":"p"}') as unknown } },
      wrong: { extra: { annotations: { topic: 7, 'com.openfaas.connector.timeout': { a: 1 } } } },
      list: { extra: { annotations: ['topic', 't'] } },
      policy: {
        annotations: {
          topic: 'policy',
          'com.openfaas.connector.concurrency': '1e9',
          'com.openfaas.connector.timeout': '-1s',
          'com.openfaas.connector.filter': '$'.repeat(100_000),
          'com.openfaas.retry.attempts': '99999999999999999999',
          'com.openfaas.retry.codes': '1,2,abc,999',
        },
      },
    },
  })
  const connector = await start(gateway)
  expect((await calledFor(connector, 't')).toSorted()).toEqual(['all.openfaas-fn', 'good.openfaas-fn', 'star.openfaas-fn'])
  expect((await calledFor(connector, 'p')).includes('proto.openfaas-fn')).toBe(true)
  expect(await calledFor(connector, 'many-9999')).not.toContain('many.openfaas-fn')
  expect((await calledFor(connector, 'policy')).length).toBeGreaterThanOrEqual(2)
  const { text } = await connector.admin('/explain?topic=t')
  expect(text.length).toBeLessThan(200_000)
  expect(await connector.metric('millrace_topic_map_problems')).toBeGreaterThan(5)
  expect(connector.output().length).toBeLessThan(200_000)
  for (const line of connector.output().split('\n')) expect(line.length).toBeLessThan(8192)
  await connector.settled()
})

test('T40 C3 hostile schedules: reported with the name of the function, and the others run', async () => {
  const schedules = [
    'TZ=UTC',
    'CRON_TZ=',
    '0 0 30 2 *',
    '* * * *',
    '@every x',
    '99 * * * *',
    'CRON_TZ=Mars/Olympus * * * * *',
    '*'.repeat(100_000),
    '* * * * *;'.repeat(1000),
    '\u0000',
    '*/0 * * * *',
    '__proto__',
  ]
  const good = { topic: 'cron-function', schedule: '* * * * * *' }
  const gateway = await fakeGateway({ functions: { good: { annotations: good } } })
  atEnd(() => gateway.close())
  for (const [index, schedule] of schedules.entries())
    gateway.setFunction(`bad${index}`, { annotations: { topic: 'cron-function', schedule } })
  const connector = await startCron({ gatewayUrl: gateway.url })
  await connector.ready()
  await gateway.waitFor(2, 10_000)
  expect(new Set(gateway.requests.map((request) => request.function))).toEqual(new Set(['good.openfaas-fn']))
  const { problems } = (await connector.admin('/explain?topic=cron-function')).json() as {
    problems: { function: string; annotation: string }[]
  }
  for (const index of schedules.keys())
    expect(
      problems.map((problem) => problem.function),
      schedules[index]?.slice(0, 60),
    ).toContain(`bad${index}.openfaas-fn`)
  expect(connector.output().length).toBeLessThan(200_000)
  expect(await connector.stop()).toEqual({ code: 0, signal: null })
})

test.each([301, 302, 303, 307, 308])(
  'T38 T37 S14 a %i of /system/* to another origin: not followed, and the credentials go nowhere',
  async (status) => {
    const other = await otherOrigin()
    const gateway = await fakeGateway({
      functions: { good: { annotations: { topic: 't' } } },
      basicAuth: { user: 'admin', password: 'canary-password' },
    })
    const connector = await start(gateway, { basic_auth: 'true', basic_auth_user: 'admin', basic_auth_password: 'canary-password' })
    const Location = `${other.url}/system/functions`
    gateway.faults.add({ match: { path: '/system/*' }, then: { status, headers: { Location } } })
    gateway.faults.add({
      match: { function: 'good', attempt: 1, nth: 1 },
      then: { status, headers: { Location: `${other.url}/function/good` } },
    })
    const failures = (): Promise<number> => connector.metric('millrace_discovery_failures_total', { code: 'E_GATEWAY_STATUS' })
    await until('two lists are redirected', failures, (count) => count >= 2, 20_000)
    expect((await connector.publish('t', '', { id: 'e' })).status).toBe(202)
    await gateway.waitFor((requests) => requests.some((request) => request.status === status))
    await until('readiness tells', connector.notReady, (reasons) => reasons.join().includes('redirect'))
    expect(other.seen.map(({ url }) => url)).toEqual([])
    expect(connector.output()).not.toContain('canary-password')
    for (const request of gateway.requests) expect(request.header('authorization')).toBeUndefined()
    expect(gateway.systemRequests.some((request) => request.header('authorization') !== undefined)).toBe(true)
  },
)

test('T37 a gateway URL from an annotation, an event or a header is nobody’s', async () => {
  const other = await otherOrigin()
  const gateway = await fakeGateway({
    functions: {
      fn: {
        annotations: {
          topic: 't',
          'com.openfaas.connector.gateway': other.url,
          'com.openfaas.connector.url': 'http://169.254.169.254/latest/meta-data',
          gateway_url: other.url,
        },
        extra: { url: other.url, invokeUrl: other.url },
      },
    },
  })
  const connector = await start(gateway)
  const rawHeaders = ['X-Callback-Url', other.url, 'X-Forwarded-Host', new URL(other.url).host, 'Content-Location', other.url]
  expect((await connector.publish('t?wait=true', other.url, { rawHeaders })).json()['results']).toMatchObject([{ outcome: 'done' }])
  // A request in absolute form names another host; it is still only a topic here.
  expect(gateway.requests).toHaveLength(1)
  expect(other.seen).toEqual([])
  await connector.settled()
})
