import { describe, expect, test } from 'vitest'
import { bench, guardTests } from '../kit.ts'
import type { Answer, Bench } from '../kit.ts'

guardTests()

const attributes = { specversion: '1.0', id: 'a/1', source: '/shop', type: 'order.created' } as const

const ceHeaders = (more: Record<string, string | undefined> = {}): [string, string][] =>
  Object.entries({ ...attributes, ...more }).flatMap(([name, value]) => (value === undefined ? [] : [[`ce-${name}`, value]]))

const structured = (event: unknown, type = 'application/cloudevents+json'): [string, readonly [string, string][]] => [
  typeof event === 'string' ? event : JSON.stringify(event),
  [['content-type', type]],
]

const start = (): Promise<Bench> => bench({ f: { annotations: { topic: 't' } } })

const refused = async (answer: Promise<Answer>, status: number, detail: RegExp): Promise<void> => {
  const { status: is, headers, json } = await answer
  const body = json()
  expect([is, headers['content-type'], body['status']]).toEqual([status, 'application/problem+json', status])
  expect(body['detail']).toMatch(detail)
  expect(body['fix']).toMatch(/./)
}

describe('binary', () => {
  test('attributes are decoded once and reach the function encoded once; the id is source and id', async () => {
    const { gateway, post } = await start()
    const headers = ceHeaders({ subject: 'Gr%C3%BC%C3%9Fe%20%2541', time: '2026-01-02T03:04:05Z', tenant: 'blue' })
    const answer = await post('t?wait=true', '<a/>', [...headers, ['content-type', 'application/xml'], ['x-other', '1']])
    expect(answer.json()['id']).toBe('/shop|a/1')
    const [request] = await gateway.waitFor(1)
    expect(request?.eventId).toBe('/shop|a/1')
    expect(request?.header('ce-id')).toBe('a/1')
    expect(request?.header('ce-source')).toBe('/shop')
    expect(request?.header('ce-type')).toBe('order.created')
    expect(request?.header('ce-specversion')).toBe('1.0')
    expect(request?.header('ce-subject')).toBe('Gr%C3%BC%C3%9Fe%20%2541')
    expect(request?.header('ce-time')).toBe('2026-01-02T03:04:05Z')
    expect(request?.header('ce-tenant')).toBe('blue')
    expect(request?.header('x-other')).toBe('1')
    expect(request?.header('content-type')).toBe('application/xml')
    expect(request?.text()).toBe('<a/>')
  })

  test.each([
    [ceHeaders({ id: undefined }), /attribute id is missing/],
    [ceHeaders({ id: '' }), /attribute id is missing/],
    [ceHeaders({ source: undefined }), /attribute source is missing/],
    [ceHeaders({ type: undefined }), /attribute type is missing/],
    [ceHeaders({ specversion: undefined }), /attribute specversion is missing/],
    [ceHeaders({ specversion: '0.3' }), /not 1.0/],
    [ceHeaders({ source: 'a|b' }), /not a URI reference/],
    [ceHeaders({ source: 'a b' }), /not a URI reference/],
    [ceHeaders({ time: 'yesterday' }), /RFC 3339/],
    [ceHeaders({ subject: '100%' }), /ce-subject is not percent-encoded/],
    [ceHeaders({ subject: '%C0%A0' }), /ce-subject is not percent-encoded/],
    [ceHeaders({ subject: 'a%0D%0Ax-evil: 1' }), /subject has control characters/],
    [ceHeaders({ my_extension: '1' }), /lower-case letters and digits/],
    [ceHeaders({ subject: 'x'.repeat(2049) }), /more than 2048 characters/],
    [[['ce-tenant', 'blue']] as [string, string][], /specversion is missing/],
    [[...ceHeaders(), ['ce-id', 'b']] as [string, string][], /more than once/],
  ])('refuses %j', async (headers, detail) => {
    const { gateway, post } = await start()
    await refused(post('t', 'x', headers), 400, detail)
    expect(gateway.requests).toEqual([])
  })
})

describe('structured', () => {
  test('reaches the function as a binary one, with its data byte for byte', async () => {
    const { gateway, post } = await start()
    const text = `{"specversion":"1.0","id":"1","source":"/s","type":"t","count":3,"flag":true,"none":null,"data": {"n": 12345678901234567890.10} }`
    expect((await post('t?wait=true', ...structured(text, 'Application/CloudEvents+JSON; charset=UTF-8'))).status).toBe(200)
    const [request] = await gateway.waitFor(1)
    expect(request?.text()).toBe('{"n": 12345678901234567890.10}')
    expect(request?.header('content-type')).toBe('application/json')
    expect(request?.header('ce-count')).toBe('3')
    expect(request?.header('ce-flag')).toBe('true')
    expect(request?.header('ce-none')).toBeUndefined()
    expect(request?.header('ce-data')).toBeUndefined()
  })

  test.each([
    [{ datacontenttype: 'text/plain', data: 'é"x"' }, 'é"x"', 'text/plain'],
    [{ datacontenttype: 'application/vnd.x+json', data: 'text' }, '"text"', 'application/vnd.x+json'],
    [{ datacontenttype: 'application/xml', data_base64: Buffer.from('<a/>').toString('base64') }, '<a/>', 'application/xml'],
    [{ data_base64: null, data: [1] }, '[1]', 'application/json'],
    [{}, '', 'text/plain'],
  ])('data of %j', async (more, body, type) => {
    const { gateway, post } = await start()
    const event = Object.fromEntries(Object.entries({ ...attributes, ...more }).filter(([, value]) => value !== null))
    expect((await post('t', ...structured(event))).status).toBe(202)
    const [request] = await gateway.waitFor(1)
    expect([request?.text(), request?.header('content-type')]).toEqual([body, type])
  })

  test.each([
    ['', /not a CloudEvent in JSON/],
    ['[]', /not a CloudEvent in JSON/],
    ['{"id":', /not a CloudEvent in JSON/],
    [{ ...attributes, id: undefined }, /attribute id is missing/],
    [{ ...attributes, extension: { a: 1 } }, /neither text, a whole number/],
    [{ ...attributes, extension: 1.5 }, /neither text, a whole number/],
    [{ ...attributes, extension: 'a\nb' }, /control characters/],
    [{ ...attributes, extension: '\ud800' }, /broken Unicode/],
    [{ ...attributes, extension: 'x'.repeat(20_000) }, /more than 2048 characters/],
    [{ ...attributes, Extension: 'x' }, /lower-case letters and digits/],
    [{ ...attributes, data: 1, data_base64: 'AA==' }, /both data and data_base64/],
    [{ ...attributes, data_base64: 'A-_=' }, /not base64/],
    [
      `{"specversion":"1.0","id":"1","source":"/s","type":"t","data":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
      /nested more than 1000/,
    ],
  ])('refuses number %#', async (event, detail) => {
    const { gateway, post } = await start()
    await refused(post('t', ...structured(event)), 400, detail)
    expect(gateway.requests).toEqual([])
  })

  test('a body that is not UTF-8 is refused', async () => {
    const { post } = await start()
    await refused(post('t', Buffer.from([0x7b, 0xff, 0x7d]), [['content-type', 'application/cloudevents+json']]), 400, /not UTF-8/)
  })

  test.each([
    'application/cloudevents-batch+json',
    'application/cloudevents+xml',
    'application/cloudevents',
    'application/cloudevents+json; charset=latin1',
  ])('%s is 415', async (type) => {
    const { post } = await start()
    await refused(post('t', ...structured([attributes], type)), 415, /./)
  })

  test('a compressed one is 415', async () => {
    const { post } = await start()
    await refused(
      post('t', 'x', [
        ['content-type', 'application/cloudevents+json'],
        ['content-encoding', 'gzip'],
      ]),
      415,
      /compressed/,
    )
  })
})

test('partitionkey orders the events of a function', async () => {
  const running = new Set<string>()
  let overlaps = 0
  const { gateway, post } = await bench({
    f: {
      annotations: { topic: 't', 'com.openfaas.connector.order': 'key' },
      handler: async (call) => {
        const key = call.header('ce-partitionkey') ?? ''
        if (running.has(key)) overlaps += 1
        running.add(key)
        await new Promise((resolve) => setTimeout(resolve, 5))
        running.delete(key)
      },
    },
  })
  const send = (n: number): Promise<Answer> => post('t?wait=true', 'x', ceHeaders({ id: String(n), partitionkey: `k${n % 2}` }))
  await Promise.all(Array.from({ length: 10 }, (_, n) => send(n)))
  expect([gateway.requests.length, overlaps]).toEqual([10, 0])
})
