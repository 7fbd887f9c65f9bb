import { readFileSync } from 'node:fs'
import { fakeGateway, type RecordedRequest } from '@millrace/sdk/testing'
import { CompressionTypes, type IHeaders } from 'kafkajs'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { startConnector } from '../processes/connector.ts'
import { waitUntil } from '../processes/wait-until.ts'
import { createClient, kafka, uniqueName, type SharedKafka } from '../servers/kafka.ts'
import { committedTo } from './kit/committed.ts'
import { connectorMain } from './kit/run.ts'
import { say } from './kit/say.ts'

let server: SharedKafka
beforeAll(async () => {
  server = await kafka.shared()
}, 180_000)

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
})

interface Poison {
  readonly what: string
  readonly key?: Buffer | string | null
  readonly value?: Buffer | string | null
  readonly headers?: IHeaders
  /** It goes to the dead letters without a call. */
  readonly dies?: boolean
}

const limit = 65_536
const dangerous = [
  'Host',
  'content-length',
  'Content-Length',
  'Transfer-Encoding',
  'connection',
  'Authorization',
  'Cookie',
  'X-Forwarded-For',
  'Upgrade',
  'Expect',
  'te',
  'trailer',
  'proxy-authorization',
]
const named = (names: readonly string[], value = 'evil'): IHeaders => Object.fromEntries(names.map((name) => [name, value]))
/** `__proto__` as a name of its own. */
const own = (name: string, value: string): IHeaders => Object.defineProperty({}, name, { value, enumerable: true }) as IHeaders

const poisons: readonly Poison[] = [
  { what: 'T29 CR, LF and NUL in a value', headers: { note: 'a\r\nX-Injected: 1\r\n\r\nGET / HTTP/1.1\u0000' } },
  { what: 'T29 CR and LF in a name', headers: { 'a\r\nX-Injected': '1' } },
  { what: 'T29 bytes that are not UTF-8', headers: { raw: Buffer.from([0x80, 0xff, 0xfe, 0x00, 0x0d, 0x0a]) } },
  { what: 'T29 names that no header can have', headers: named(['', ' ', '\u0000', 'é', 'with space', 'colon:', '(', 'x'.repeat(5000)]) },
  { what: 'T29 a key of control characters', key: 'a\r\nX-Injected: 1\u0000\u0001' },
  { what: 'T29 a key that is not text', key: Buffer.from([0x00, 0x80, 0xff, 0xc3, 0x28]) },
  { what: 'T29 a key of 100 kB', key: 'k'.repeat(100_000) },
  { what: 'an empty key', key: '' },
  { what: 'T30 headers that steer, frame or authenticate', headers: named(dangerous) },
  {
    what: 'T30 ours, spoofed',
    headers: named(['X-Event-Id', 'x-topic', 'X-Delivery-Attempt', 'Idempotency-Key', 'X-Kafka-Offset', 'X-Connector']),
  },
  { what: 'T30 a CloudEvent that is none', headers: named(['ce-id', 'ce-specversion', 'ce-type', 'ce-source', 'ce-time']) },
  { what: 'T30 5,000 headers', headers: named(Array.from({ length: 5000 }, (_, index) => `h${index}`)) },
  { what: 'T30 a header of 600 kB', headers: { big: 'v'.repeat(600_000) } },
  { what: 'T30 one name a thousand times', headers: { again: Array.from({ length: 1000 }, () => 'x') } },
  { what: 'T31 __proto__', headers: own('__proto__', 'polluted'), key: '__proto__', value: '{"__proto__":{"polluted":true}}' },
  { what: 'T31 constructor', headers: named(['constructor', 'prototype', 'toString', 'hasOwnProperty']), key: 'constructor' },
  { what: 'T32 nothing', value: '' },
  { what: 'T32 a tombstone', value: null },
  { what: 'T32 one below the limit', value: Buffer.alloc(limit - 1, 1) },
  { what: 'T32 at the limit', value: Buffer.alloc(limit, 2) },
  { what: 'T32 one above the limit', value: Buffer.alloc(limit + 1, 3), dies: true },
  { what: 'T32 JSON 30,000 levels deep', value: '['.repeat(30_000), headers: { 'content-type': 'application/json' } },
  { what: 'T29 a content type with a line break', value: 'x', headers: { 'content-type': 'text/plain\r\nX-Injected: 1' } },
  {
    what: 'T36 a type that is a path, a label and a pattern',
    headers: named(['ce-type', 'ce-source'], '../../system/functions?a="b"\n#(a+)+$'),
  },
  {
    what: 'copies and letters, forged',
    headers: named(['millrace-target', 'millrace-hops', 'millrace-event-id', 'millrace-origin-topic', 'millrace-attempt']),
  },
  { what: 'T42 a value for the log', value: '\u001b[2J\u001b[31m\r\n{"level":"error"}', headers: { esc: '\u001b[2J' } },
]

/** The most memory that a process has had in its life, in bytes. */
const peakMemory = (pid: number): number => Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024

const marker = (request: RecordedRequest): string => request.body.toString().slice(0, 20)

test(
  'T24 T29 T30 T31 T32 T36 T42 poison in headers, keys and values: each is delivered once or is a letter, in order, and the partition goes on',
  { timeout: 90_000 },
  async () => {
    const topic = uniqueName('poison')
    await server.createTopic(topic)
    const client = createClient({ brokers: [...server.bootstrap] })
    const producer = client.producer()
    await producer.connect()
    ends.push(() => producer.disconnect())
    for (const [index, { key = null, value = 'v', headers }] of poisons.entries()) {
      await producer.send({
        topic,
        messages: [
          { key, value, ...(headers !== undefined && { headers }) },
          { key: null, value: `marker-${index}` },
        ],
      })
    }
    const gateway = await fakeGateway({ functions: { orders: { annotations: { topic } } } })
    ends.push(() => gateway.close())
    const group = `group-of-${topic}`
    const connector = await startConnector({
      main: connectorMain,
      env: {
        broker_hosts: server.bootstrap.join(','),
        group,
        gateway_url: gateway.url,
        max_event_bytes: String(limit),
        retry_min_wait: '20ms',
        retry_max_wait: '100ms',
        kafka_commit_interval: '200ms',
        kafka_max_wait: '100ms',
      },
    })
    ends.push(() => connector.kill9())
    const total = poisons.length * 2
    let position: number | undefined
    await waitUntil(async () => (position = await committedTo(server.bootstrap, group, topic)) === total, {
      timeoutMs: 60_000,
      everyMs: 200,
      what: () => `the commit of all; ${position} of ${total}, ${gateway.requests.length} calls\n${connector.output().slice(-4000)}`,
    })
    const dying = poisons.filter(({ dies }) => dies === true).length
    // The order of the partition, nothing twice, nothing swallowed.
    const offsets = gateway.requests.map((request) => Number(request.header('x-kafka-offset')))
    const expected = Array.from({ length: total }, (_, offset) => offset).filter(
      (offset) => offset % 2 === 1 || poisons[offset / 2]?.dies !== true,
    )
    expect(offsets).toEqual(expected)
    expect(gateway.requests.filter((request) => marker(request).startsWith('marker-'))).toHaveLength(poisons.length)
    expect((await connector.metrics()).sum('millrace_events_dead_total')).toBe(dying)
    expect((await connector.metrics()).sum('millrace_conservation_drift')).toBe(0)
    for (const request of gateway.requests) {
      const names = request.headers.map(([name]) => name.toLowerCase())
      expect(names).not.toContain('x-injected')
      expect(names).not.toContain('authorization')
      expect(names).not.toContain('cookie')
      expect(names.filter((name) => name === 'host')).toHaveLength(1)
      expect(names.filter((name) => name === 'x-event-id')).toHaveLength(1)
      expect(request.header('host')).toBe(new URL(gateway.url).host)
      expect(request.header('x-topic')).toBe(topic)
    }
    expect(connector.output()).not.toContain('\u001b[2J')
    expect(gateway.systemRequests.every(({ path }) => path.startsWith('/system/') || path === '/healthz')).toBe(true)
  },
)

test(
  'T43 a compressed batch that becomes 128 MiB: an alarm with what to do, no memory, nothing passed over, and other topics go on',
  { timeout: 90_000 },
  async () => {
    const [topic, other] = [uniqueName('bomb'), uniqueName('beside')]
    for (const each of [topic, other]) await server.createTopic(each)
    const producer = createClient({ brokers: [...server.bootstrap] }).producer()
    await producer.connect()
    ends.push(() => producer.disconnect())
    const gateway = await fakeGateway({ functions: { orders: { annotations: { topic: `${topic},${other}` } } } })
    ends.push(() => gateway.close())
    const connector = await startConnector({
      main: connectorMain,
      env: {
        broker_hosts: server.bootstrap.join(','),
        group: 'group-of-{topic}',
        gateway_url: gateway.url,
        kafka_dead_letters: 'none',
        kafka_max_batch_bytes: '1MiB',
        kafka_commit_interval: '200ms',
        kafka_max_wait: '100ms',
      },
    })
    ends.push(() => connector.kill9())
    const called = (value: string): Promise<void> =>
      waitUntil(() => gateway.requests.some(({ body }) => body.toString() === value), {
        timeoutMs: 30_000,
        what: () => `the call for ${value}:\n${connector.output().slice(-3000)}`,
      })
    const send = (to: string, value: string): Promise<unknown> => producer.send({ topic: to, messages: [{ value }] })
    await send(topic, 'before')
    await send(other, 'beside')
    await Promise.all([called('before'), called('beside')])
    const before = peakMemory(connector.pid)
    await producer.send({ topic, compression: CompressionTypes.GZIP, messages: [{ value: Buffer.alloc(128 * 1024 * 1024) }] })
    await send(topic, 'behind')
    const alarms = () => connector.logs().filter((line) => line['code'] === 'E_KAFKA_COMPRESSION')
    await waitUntil(() => alarms().length > 0, { timeoutMs: 30_000, what: () => connector.output().slice(-3000) })
    const [alarm] = alarms()
    expect(`${String(alarm?.['msg'])} ${String(alarm?.['fix'])}`).toMatch(/longer than 1048576 bytes.*raise that/)
    await send(other, 'still beside')
    await called('still beside')
    const more = peakMemory(connector.pid) - before
    say('bomb', { moreMemoryMiB: Math.round(more / 1024 / 1024), tries: alarms().length })
    expect(more).toBeLessThan(64 * 1024 * 1024)
    expect(gateway.requests.map(({ body }) => body.toString()).toSorted()).toEqual(['before', 'beside', 'still beside'])
    expect(await committedTo(server.bootstrap, `group-of-${topic}`, topic)).toBe(1)
    expect((await connector.metrics()).sum('millrace_conservation_drift')).toBe(0)
    expect((await connector.get('/livez')).status).toBe(200)
  },
)
