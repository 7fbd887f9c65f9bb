import { createHash, randomBytes } from 'node:crypto'
import type { RecordedRequest } from '@millrace/sdk/testing'
import { beforeAll, expect, test } from 'vitest'
import { say } from '../kafka/kit/say.ts'
import { publishConfirmed, rabbitmq, uniqueName, withChannel, type SharedRabbitmq } from '../servers/rabbitmq.ts'
import { Bench } from './kit/bench.ts'

let broker: SharedRabbitmq
beforeAll(async () => {
  broker = await rabbitmq.shared()
}, 180_000)

interface Poison {
  readonly what: string
  readonly headers?: Readonly<Record<string, unknown>>
  readonly properties?: Readonly<Record<string, string | number>>
  readonly body?: Buffer
  /** What the function is to see of its headers, decoded; by names in lower case. `undefined`: nothing. */
  readonly sees?: Readonly<Record<string, string | undefined>>
}

const header = (name: string): string => `x-rabbitmq-header-${name}`
const named = (names: readonly string[], value = 'evil'): Record<string, string> => Object.fromEntries(names.map((name) => [name, value]))
const unseen = (names: readonly string[]): Record<string, undefined> =>
  Object.fromEntries(names.flatMap((name) => [name.toLowerCase(), header(name.toLowerCase())]).map((name) => [name, undefined]))
/** Names of their own, whatever they mean to JavaScript. */
const own = (...names: readonly string[]): Record<string, string> =>
  names.reduce((headers, name) => Object.defineProperty(headers, name, { value: 'polluted', enumerable: true }), {})

const dangerous = [
  'Transfer-Encoding',
  'Authorization',
  'Cookie',
  'Proxy-Authorization',
  'X-Forwarded-For',
  'Upgrade',
  'Expect',
  'TE',
  'Trailer',
  'X-Callback-Url',
]
const framing = ['Content-Length', 'Host', 'Connection']
const ours = ['X-Event-Id', 'X-Topic', 'X-Delivery-Attempt', 'Idempotency-Key', 'X-Connector', 'X-Rabbitmq-Queue', 'X-Rabbitmq-Msg-Id']
const nested = { list: [1, 'a', true, null, ['b', { c: 'grün\r\n' }]], table: { x: { y: { z: Number.MAX_SAFE_INTEGER } } } }
const injection = 'a\r\nX-Injected: 1\r\n\r\nGET / HTTP/1.1\u0000'
const bytes = randomBytes(300)

const poisons: readonly Poison[] = [
  { what: 'T29 CR, LF and NUL in a value', headers: { note: injection }, sees: { [header('note')]: injection } },
  {
    what: 'T29 CR and LF in a name',
    headers: { 'a\r\nX-Injected': '1' },
    sees: { [header('a%0d%0ax-injected')]: '1', 'x-injected': undefined },
  },
  { what: 'T29 UTF-8', headers: { text: 'grün 水 🎡' }, sees: { [header('text')]: 'grün 水 🎡' } },
  { what: 'T29 names that no header can have', headers: named(['', ' ', '\u0000', 'é', 'with space', 'colon:', '(', '水'.repeat(80)]) },
  { what: 'T29 CR and LF in every property', properties: { ...named(['correlationId', 'type', 'appId', 'contentEncoding'], injection) } },
  { what: 'T29 a content type with a line break', properties: { contentType: 'text/plain\r\nX-Injected: 1' } },
  {
    what: 'a table of 60 KiB',
    headers: { big: { blob: 'x'.repeat(60_000) }, after: 'b' },
    sees: { [header('big')]: undefined, [header('after')]: 'b' },
  },
  { what: 'nested tables and lists', headers: { nested }, sees: { [header('nested')]: JSON.stringify(nested) } },
  { what: 'bytes', headers: { bytes }, sees: { [header('bytes')]: bytes.toString('base64') } },
  {
    what: 'numbers at the ends of their kinds',
    headers: { least: { '!': 'int64', value: -(2 ** 53) }, most: 2 ** 53, double: 1.5e300, small: -0.1 },
    sees: {
      [header('least')]: '-9007199254740992',
      [header('most')]: '9007199254740992',
      [header('double')]: '1.5e+300',
      [header('small')]: '-0.1',
    },
  },
  {
    what: 'times and decimals',
    headers: { at: { '!': 'timestamp', value: 5 }, price: { '!': 'decimal', value: { places: 2, digits: 1999 } } },
    sees: { [header('at')]: '1970-01-01T00:00:05.000Z', [header('price')]: '19.99' },
  },
  { what: 'T30 headers that frame', headers: named(framing), sees: unseen(framing.slice(0, 0)) },
  { what: 'T30 headers that steer or authenticate', headers: named(dangerous), sees: unseen(dangerous) },
  { what: 'T30 ours, spoofed', headers: named(ours), sees: Object.fromEntries(ours.map((name) => [header(name.toLowerCase()), 'evil'])) },
  { what: 'T30 a CloudEvent that is none', headers: named(['ce-id', 'ce-specversion', 'ce-type', 'ce-source', 'ce-time']) },
  {
    what: 'T30 1,500 headers',
    headers: named(
      Array.from({ length: 1500 }, (_, index) => `h${index}`),
      'v',
    ),
  },
  {
    what: 'T31 names of JavaScript',
    headers: own('__proto__', 'constructor', 'prototype', 'toString'),
    sees: { [header('constructor')]: 'polluted', [header('tostring')]: 'polluted' },
  },
  { what: 'T36 a type that is a path, a label and a pattern', properties: { type: '../../system/functions?a="b"\n#(a+)+$' } },
  {
    what: 'copies and letters, forged by one who may publish to the queue',
    headers: named(['millrace-target', 'millrace-hops', 'millrace-origin-topic', 'millrace-attempt']),
  },
  { what: 'T42 a value for the log', headers: { esc: '\u001b[2J' }, body: Buffer.from('\u001b[2J\u001b[31m\r\n{"level":"error"}') },
  { what: 'T32 no body', body: Buffer.alloc(0) },
  { what: 'T32 one byte', body: Buffer.of(0xff) },
  { what: 'T32 10 MiB', body: randomBytes(10 * 2 ** 20) },
  { what: 'T32 JSON 30,000 levels deep', body: Buffer.from('['.repeat(30_000)), properties: { contentType: 'application/json' } },
]

const sha = (body: Buffer): string => createHash('sha256').update(body).digest('hex')

/** The value of a header as it was before it was encoded. */
const seen = (request: RecordedRequest, name: string): string | undefined => {
  const value = request.header(name)
  const encoded = (request.header('x-millrace-encoded') ?? '').toLowerCase().split(', ')
  return value !== undefined && encoded.includes(name) ? decodeURIComponent(value) : value
}

/** What may differ from one attempt to the next. */
const passing = new Set(['x-delivery-attempt', 'x-rabbitmq-redelivered', 'x-rabbitmq-delivery-count'])
const lasting = ({ headers }: RecordedRequest): readonly string[] =>
  headers.flatMap(([name, value]) =>
    // Of a producer's own `millrace-*` headers a copy has none, since it has its own.
    passing.has(name.toLowerCase()) || /^x-rabbitmq-header-millrace-/i.test(name) ? [] : [`${name}: ${value}`],
  )

test(
  'T24 T29 T30 T31 T32 T36 T42 poison in headers, properties and bodies reaches its function byte for byte, also after a delayed retry, and the queue goes on',
  { timeout: 120_000 },
  async () => {
    const queue = uniqueName('poison')
    const delays = ['1s']
    await using bench = await Bench.open(broker, {
      orders: {
        annotations: { topic: queue },
        // The first call of each poison fails, so that all of it has to go through a delay queue too.
        handler: (call) => ({
          status: call.header('x-delivery-attempt') === '1' && call.header('x-rabbitmq-msg-id')?.startsWith('p') === true ? 500 : 200,
        }),
      },
    })
    await bench.queue(queue, delays)
    const connector = await bench.start({ rabbitmq_retry_delays: '1s', retry_min_wait: '1s', retry_max_wait: '1s' })
    await withChannel(broker.url(), async (channel) => {
      const at = { exchange: '', routingKey: queue }
      for (const [index, { headers, properties, body = Buffer.from('v') }] of poisons.entries()) {
        await publishConfirmed(channel, at, body, { ...properties, messageId: `p-${index}`, ...(headers !== undefined && { headers }) })
        for (const part of ['a', 'b', 'c'])
          await publishConfirmed(channel, at, `marker-${index}${part}`, { messageId: `m-${index}${part}` })
      }
    })
    const total = poisons.length * 5
    await bench.until((requests) => requests.length >= total, `${total} calls`, 60_000)
    await bench.drained([queue, `${queue}.retry.1s`])
    const calls = Map.groupBy(bench.gateway.requests, (request) => request.header('x-rabbitmq-msg-id') ?? '')
    for (const [index, { what, sees = {}, body = Buffer.from('v') }] of poisons.entries()) {
      const attempts = calls.get(`p-${index}`) ?? []
      expect(
        attempts.map(({ attempt }) => attempt),
        what,
      ).toEqual([1, 2])
      const [first, second] = attempts as [RecordedRequest, RecordedRequest]
      expect(second.eventId, what).toBe(first.eventId)
      expect(lasting(second), what).toEqual(lasting(first))
      for (const request of attempts) {
        expect(sha(request.body), what).toBe(sha(body))
        for (const [name, value] of Object.entries(sees)) expect(seen(request, name), `${what}: ${name}`).toBe(value)
      }
    }
    expect(bench.gateway.requests.filter((request) => request.body.toString().startsWith('marker-'))).toHaveLength(poisons.length * 3)
    for (const request of bench.gateway.requests) {
      const sent = request.headers.map(([name]) => name.toLowerCase())
      for (const name of ['x-injected', 'authorization', 'cookie']) expect(sent).not.toContain(name)
      for (const name of ['host', 'content-length', 'x-event-id'])
        expect(
          sent.filter((each) => each === name),
          name,
        ).toHaveLength(1)
      expect(request.header('host')).toBe(new URL(bench.gateway.url).host)
      expect(request.header('x-topic')).toBe(queue)
    }
    const metrics = await connector.metrics()
    say('poison', { calls: bench.gateway.requests.length, dropped: metrics.sum('millrace_headers_dropped_total') })
    expect(metrics.sum('millrace_events_dead_total')).toBe(0)
    expect(metrics.sum('millrace_conservation_drift')).toBe(0)
    expect(metrics.sum('millrace_rabbitmq_reconnects_total')).toBe(0)
    expect(connector.output()).not.toContain('\u001b[2J')
    expect(bench.gateway.systemRequests.every(({ path }) => path.startsWith('/system/') || path === '/healthz')).toBe(true)
  },
)
