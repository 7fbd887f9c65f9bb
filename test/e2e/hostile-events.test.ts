import { fakeGateway, type FakeGateway, type RecordedRequest } from '@millrace/sdk/testing'
import { expect, test, vi } from 'vitest'
import { type HttpConnector, startHttp } from './kit/connector.ts'
import { rawPost, sendRaw } from './kit/raw.ts'
import { atEnd, guardTests } from './kit/scope.ts'

guardTests()
vi.setConfig({ testTimeout: 60_000 })

const startBoth = async (
  topics: string,
  env: Readonly<Record<string, string>> = {},
): Promise<{ gateway: FakeGateway; connector: HttpConnector }> => {
  const gateway = await fakeGateway({ functions: { fn: { annotations: { topic: topics } } } })
  atEnd(() => gateway.close())
  const connector = await startHttp({ gatewayUrl: gateway.url, env })
  await connector.ready()
  return { gateway, connector }
}

const callOf = async (gateway: FakeGateway, id: string): Promise<RecordedRequest> => {
  await gateway.waitFor((requests) => requests.some(({ eventId, status }) => eventId === id && status === 200))
  const calls = gateway.requests.filter(({ eventId }) => eventId === id)
  expect(calls).toHaveLength(1)
  return calls[0] as RecordedRequest
}

/** Nothing is stuck, repeated or out of the books, and the next event goes through. */
const expectHealthy = async (connector: HttpConnector): Promise<void> => {
  expect((await connector.publish('t?wait=true', 'next')).json()['results']).toMatchObject([{ outcome: 'done' }])
  await connector.settled()
  expect(connector.running).toBe(true)
}

test('T29 bytes in header values that HTTP does not like: encoded, delivered once', async () => {
  const { gateway, connector } = await startBoth('t')
  const values: Readonly<Record<string, Buffer>> = {
    'x-latin': Buffer.from([0x67, 0x72, 0xfc, 0xdf, 0x65]),
    'x-utf8': Buffer.from('Zürich 水 🚲'),
    'x-broken-utf8': Buffer.from([0xc3, 0x28, 0xff, 0xfe, 0x80]),
    'x-tab': Buffer.from('a\tb'),
    'x-plain': Buffer.from('  as it was; q="0.9"  '),
  }
  const lines = Object.entries(values).map(([name, value]) => `${name}: ${value.toString('latin1')}`)
  const post = rawPost(connector.eventsUrl, 't', ['Idempotency-Key: bytes', 'Content-Length: 4', ...lines], 'body')
  expect((await sendRaw(connector.eventsUrl, post)).status).toBe(202)
  const call = await callOf(gateway, 'bytes')
  for (const [, value] of call.headers) expect(value).toMatch(/^[\x20-\x7e]*$/)
  expect(call.header('x-plain')).toBe('as it was; q="0.9"')
  const encoded = (call.header('x-millrace-encoded') ?? '').toLowerCase().split(/, */)
  for (const name of ['x-latin', 'x-utf8', 'x-broken-utf8']) {
    expect(encoded).toContain(name)
    const bytes = (call.header(name) ?? '').replaceAll(/%([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    expect(Buffer.from(bytes, 'latin1'), name).toEqual(values[name])
  }
  await expectHealthy(connector)
})

test('T29 T30 requests that are no HTTP, or two requests in one: refused, the connector lives, nothing reaches a function', async () => {
  const { gateway, connector } = await startBoth('t')
  const attacks: Readonly<Record<string, readonly string[]>> = {
    'NUL in a value': ['Content-Length: 0', 'x-a: a\0b'],
    'CR in a value': ['Content-Length: 0', 'x-a: a\rX-Topic: other'],
    'LF in a value': ['Content-Length: 0', 'x-a: a\nX-Topic: other'],
    'NUL in a name': ['Content-Length: 0', 'x\0a: 1'],
    'blank in a name': ['Content-Length: 0', 'x a: 1'],
    'a name beyond ASCII': ['Content-Length: 0', 'x-\xfc: 1'],
    'a blank before the colon': ['Content-Length: 0', 'Transfer-Encoding : chunked'],
    'a folded line': ['Content-Length: 0', 'x-a: 1', ' and more'],
    'two lengths': ['Content-Length: 0', 'content-length: 44'],
    'length and chunks': ['Content-Length: 5', 'Transfer-Encoding: chunked'],
    'two encodings': ['Transfer-Encoding: chunked', 'transfer-encoding: identity'],
    'a negative length': ['Content-Length: -1'],
    'a length in hex': ['Content-Length: 0x10'],
    'a control character in the key': ['Content-Length: 0', 'Idempotency-Key: a\x01b'],
    'a key beyond ASCII': ['Content-Length: 0', 'Idempotency-Key: \xff\xfe'],
  }
  for (const [what, lines] of Object.entries(attacks)) {
    const smuggled = lines.join().toLowerCase().includes('transfer-encoding') ? '0\r\n\r\nPOST /topics/t HTTP/1.1\r\n\r\n' : ''
    const { status } = await sendRaw(connector.eventsUrl, rawPost(connector.eventsUrl, 't', lines, smuggled))
    expect(status, what).toBeGreaterThanOrEqual(400)
    expect(status, what).toBeLessThan(500)
  }
  expect(gateway.requests).toEqual([])
  expect(await connector.metric('millrace_events_received_total')).toBe(0)
  await expectHealthy(connector)
})

test('T30 R7 openfaas S11 headers that steer, frame or authenticate stay here; names of ours cannot be taken', async () => {
  const { gateway, connector } = await startBoth('t')
  const kept = {
    Authorization: 'Bearer canary-token-123',
    Cookie: 'session=canary-cookie',
    'Proxy-Authorization': 'Basic Y2FuYXJ5',
    'X-Forwarded-For': '10.0.0.1',
    'X-Forwarded-Host': 'evil.example',
    Forwarded: 'for=10.0.0.1',
    TE: 'trailers',
    'X-Callback-Url': 'http://169.254.169.254/',
    'X-OpenFaaS-Internal': 'gateway',
    'X-Start-Time': '1111111111111111111',
    'X-Hop': 'named by Connection',
  }
  const taken = { 'X-Topic': 'other', 'X-Event-Id': 'other', 'X-Delivery-Attempt': '99', 'X-Connector': 'other', 'x-topic': 'again' }
  const rawHeaders = [...Object.entries({ ...kept, ...taken }).flat(), 'Connection', 'close, X-Hop', 'X-Fine', 'yes']
  // Half a CloudEvent is none, and not a plain event either.
  const spoofed = await connector.publish('t', 'body', { rawHeaders: ['ce-id', 'spoofed', 'ce-source', '/x'] })
  expect([spoofed.status, spoofed.json()['type']]).toEqual([400, 'urn:millrace:problem:bad-cloudevent'])
  expect((await connector.publish('t', 'body', { id: 'e1', rawHeaders })).status).toBe(202)
  const call = await callOf(gateway, 'e1')
  for (const [name, own] of [
    ['x-topic', 't'],
    ['x-event-id', 'e1'],
    ['x-delivery-attempt', '1'],
    ['x-connector', 'millrace/http-connector'],
    ['idempotency-key', 'e1'],
  ] as const) {
    expect(call.headerValues(name), name).toEqual([own])
  }
  for (const [name, value] of Object.entries(kept)) {
    if (name !== 'TE')
      expect(
        call.headers.some(([, sent]) => sent.includes(value)),
        `${name} at the function`,
      ).toBe(false)
  }
  expect(call.header('x-fine')).toBe('yes')
  expect(call.headerValues('host')).toEqual([new URL(gateway.url).host])
  expect(call.text()).toBe('body')
  await expectHealthy(connector)
})

test('T30 ten thousand headers and a header of 1 MiB: refused before anything is taken', async () => {
  const { gateway, connector } = await startBoth('t')
  const many = Array.from({ length: 10_000 }, (_, index) => `h${index}: v`)
  for (const lines of [many, [`x-huge: ${'x'.repeat(1024 * 1024)}`], Array.from({ length: 200 }, (_, index) => `h${index}: v`)]) {
    const { status } = await sendRaw(connector.eventsUrl, rawPost(connector.eventsUrl, 't', ['Content-Length: 0', ...lines]))
    // A refusal during the write may come as a reset.
    expect([431, 0]).toContain(status)
  }
  expect(gateway.requests).toEqual([])
  await expectHealthy(connector)
})

test('T31 keys of prototypes in JSON, headers, topics and CloudEvents: data like any other', async () => {
  const { gateway, connector } = await startBoth('t, __proto__, constructor')
  const body = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'
  const json = ['Content-Type', 'application/json', '__proto__', 'header', 'constructor', 'header']
  for (const topic of ['__proto__', 'constructor', 't']) {
    expect((await connector.publish(topic, body, { id: `p-${topic}`, rawHeaders: json })).status).toBe(202)
    expect((await callOf(gateway, `p-${topic}`)).text()).toBe(body)
  }
  expect((await connector.publish('toString?wait=true')).json()['results']).toEqual([])
  const structured = `{"specversion":"1.0","id":"s","source":"/s","type":"t","__proto__":{"partitionkey":"x"},"data":${body}}`
  const answer = await connector.publish('t', structured, { rawHeaders: ['Content-Type', 'application/cloudevents+json'] })
  expect([202, 400]).toContain(answer.status)
  const explained = (await connector.admin('/explain?topic=__proto__')).json()
  expect(explained['matches']).toHaveLength(1)
  expect(JSON.stringify(explained)).not.toContain('polluted')
  await expectHealthy(connector)
})

test('T32 openfaas S7 bodies from nothing to above the limit, and JSON 100,000 levels deep: delivered up to the limit, one refusal above, memory bounded', async () => {
  const limit = 256 * 1024
  const { gateway, connector } = await startBoth('t', { events_max_body: '256KiB' })
  gateway.setFunction('picky', { annotations: { topic: 'deep', 'com.openfaas.connector.filter': '$.a.b=1' } })
  for (const size of [0, 1, limit - 1, limit]) {
    expect((await connector.publish('t', Buffer.alloc(size, 'x'), { id: `size-${size}` })).status, `${size} bytes`).toBe(202)
    expect((await callOf(gateway, `size-${size}`)).body.length).toBe(size)
  }
  const before = await connector.metric('millrace_process_resident_memory_bytes')
  expect((await connector.publish('t', Buffer.alloc(limit + 1))).status).toBe(413)
  const declared = await sendRaw(
    connector.eventsUrl,
    rawPost(connector.eventsUrl, 't', [`Content-Length: ${64 * 1024 * 1024}`], 'x'.repeat(1000)),
  )
  expect(declared.status).toBe(413)
  const chunk = `${(64 * 1024).toString(16)}\r\n${'x'.repeat(64 * 1024)}\r\n`
  const chunked = await sendRaw(connector.eventsUrl, rawPost(connector.eventsUrl, 't', ['Transfer-Encoding: chunked'], chunk.repeat(1024)))
  expect([413, 0]).toContain(chunked.status)
  expect((await connector.metric('millrace_process_resident_memory_bytes')) - before).toBeLessThan(64 * 1024 * 1024)
  const deep = '['.repeat(100_000) + ']'.repeat(100_000)
  expect((await connector.publish('t?wait=true', deep, { id: 'deep' })).json()['results']).toMatchObject([{ outcome: 'done' }])
  expect((await callOf(gateway, 'deep')).text()).toBe(deep)
  const filtered = await connector.publish('deep?wait=true', deep, { rawHeaders: ['Content-Type', 'application/json'] })
  expect(filtered.json()['results']).toMatchObject([{ function: 'picky.openfaas-fn', outcome: 'filtered', attempts: 0 }])
  await expectHealthy(connector)
  expect(await connector.letters()).toEqual([])
})

test('T36 T42 topics as metric labels, log lines, patterns and regular expressions: escaped, matched as text, in no time', async () => {
  const patterns = ['t', '*.*.*.*.*.*.*.*.*.#.end', '#.a.#.a.#.a.#.b', 'a.>', '(a+)+$']
  const { gateway, connector } = await startBoth(patterns.join(','))
  const started = performance.now()
  const topics: readonly (readonly [topic: string, matches: boolean])[] = [
    ['x"} 1 # {a="b', false],
    ['back\\slash', false],
    ['.*', false],
    ['(a+)+$', true],
    [`${'a'.repeat(200)}!`, false],
    [Array.from({ length: 120 }, () => 'a').join('.'), true],
    [`b.${Array.from({ length: 120 }, () => 'a').join('.')}`, false],
    ['{{7*7}}<script>alert(1)</script>', false],
    ['%2e%2e%2f', false],
    ['../system/functions', false],
    ['水.🚲.\u202Egpj', false],
  ]
  for (const [topic, matches] of topics) {
    const answer = await connector.publish(`${encodeURIComponent(topic)}?wait=true`)
    expect(answer.status, topic).toBe(200)
    expect(answer.json()['results'], topic).toHaveLength(matches ? 1 : 0)
  }
  for (const refused of ['%0d%0aX-Evil:%201', '%00', '%1b[31m', '%e2%80%a8', '%', '%ff', '%20t', '', 'x'.repeat(256)]) {
    expect((await connector.publish(refused)).status, refused).toBe(400)
  }
  expect(performance.now() - started).toBeLessThan(20_000)
  const { text } = await connector.admin('/metrics')
  for (const line of text.split('\n').filter((one) => one !== '' && !one.startsWith('#'))) {
    expect(line).toMatch(/^[a-z_]+(?:\{[a-z_]+="(?:[^"\\]|\\["\\n])*"(?:,[a-z_]+="(?:[^"\\]|\\["\\n])*")*\})? [-+.\deNaInf]+$/)
  }
  for (const line of connector
    .output()
    .split('\n')
    .filter((one) => one !== '')) {
    expect(() => JSON.parse(line) as unknown, line).not.toThrow()
    expect(line).not.toMatch(/[\p{Cc}\u2028\u2029\u202e]/u)
  }
  expect(gateway.requests.every(({ path }) => path === '/function/fn.openfaas-fn')).toBe(true)
  await expectHealthy(connector)
})
