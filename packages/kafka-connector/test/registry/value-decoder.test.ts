import { Secret, silentLogger } from '@millrace/sdk'
import { manualClock } from '@millrace/sdk/testing'
import avro from 'avsc'
import { afterEach, describe, expect, it } from 'vitest'
import { startSchemaRegistry } from '../../../../test/servers/schema-registry.ts'
import type { SchemaRegistry, SchemaRegistryOptions } from '../../../../test/servers/schema-registry.ts'
import { registryClient } from '../../src/registry/registry-client.ts'
import type { RegistryMaterial } from '../../src/registry/registry-client.ts'
import { valueDecoder } from '../../src/registry/value-decoder.ts'
import { record } from '../mapping/records.ts'

const schema = '{"type":"record","name":"A","fields":[{"name":"n","type":"int"}]}'
const packed = avro.Type.forSchema(JSON.parse(schema) as avro.Schema).toBuffer({ n: 5 })
const framed = (id: number, payload: Uint8Array = packed): Buffer => {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(id, 1)
  return Buffer.concat([head, payload])
}
const withValue = (value: Uint8Array) => record({ value })

let open: SchemaRegistry[] = []
afterEach(async () => {
  for (const registry of open) await registry.close()
  open = []
})

const setUp = async (options: SchemaRegistryOptions = {}, material: RegistryMaterial = {}) => {
  const registry = await startSchemaRegistry(options)
  open.push(registry)
  const clock = manualClock()
  const stop = new AbortController()
  const client = registryClient({ url: registry.url, material: () => Promise.resolve(material), timeoutMs: 300 })
  const decoder = valueDecoder({ client, clock, logger: silentLogger, signal: stop.signal, random: () => 1 })
  return { registry, clock, decoder, stop }
}

const jsonOf = (decoded: ReturnType<ReturnType<typeof valueDecoder>['decode']>): unknown =>
  decoded !== undefined && 'data' in decoded ? JSON.parse(Buffer.from(decoded.data).toString()) : decoded

describe('values of the schema registry', () => {
  it('become JSON; a schema is asked for once, however many records wait', async () => {
    const { registry, decoder } = await setUp()
    const { id } = registry.register('orders-value', { schema })
    const one = withValue(framed(id))
    await Promise.all([decoder.ready(one), decoder.ready(one), decoder.ready(withValue(framed(id)))])
    expect(decoder.ready(one)).toBeUndefined()
    expect(decoder.decode(one)).toMatchObject({ contentType: 'application/json' })
    expect(jsonOf(decoder.decode(one))).toEqual({ n: 5 })
    expect(registry.requests).toEqual([`/schemas/ids/${id}`])
    decoder.close()
  })

  it('named by a GUID in a header', async () => {
    const { registry, decoder } = await setUp()
    const { guid } = registry.register('orders-value', { schema })
    const header = Buffer.concat([Buffer.from([1]), Buffer.from(guid.replaceAll('-', ''), 'hex')])
    const one = record({ value: packed, headers: [['__value_schema_id', header]] })
    await decoder.ready(one)
    expect(jsonOf(decoder.decode(one))).toEqual({ n: 5 })
  })

  it('with schemas that refer to others, in JSON Schema, and in Protobuf', async () => {
    const { registry, decoder } = await setUp()
    registry.register('inner', { schema: '{"type":"fixed","name":"In","size":1}' })
    const outer = registry.register('outer', {
      schema: '{"type":"record","name":"O","fields":[{"name":"i","type":"In"}]}',
      references: [{ name: 'In', subject: 'inner', version: 1 }],
    })
    const json = registry.register('json', { schema: '{}', schemaType: 'JSON' })
    const proto = registry.register('proto', { schema: 'syntax = "proto3"; message M { string s = 1; }', schemaType: 'PROTOBUF' })
    const cases = [
      [framed(outer.id, Buffer.from([1])), { i: 'AQ==' }],
      [framed(json.id, Buffer.from('{"x":1}')), { x: 1 }],
      [framed(proto.id, Buffer.from([0, 10, 1, 65])), { s: 'A' }],
    ] as const
    for (const [value, expected] of cases) {
      await decoder.ready(withValue(value))
      expect(jsonOf(decoder.decode(withValue(value)))).toEqual(expected)
    }
  })

  it('that are not in the wire format are handed on, and ask nobody', async () => {
    const { registry, decoder } = await setUp()
    for (const value of [Buffer.from('{}'), Buffer.alloc(0), Buffer.from([0, 1]), undefined]) {
      expect(decoder.ready(record({ value }))).toBeUndefined()
      expect(decoder.decode(record({ value }))).toBeUndefined()
    }
    expect(registry.requests).toEqual([])
  })

  it.each([
    ['an id that the registry does not have', () => framed(99), /no such schema/],
    ['bytes that are not of the schema', (id: number) => framed(id, Buffer.from([0xff])), /ends too soon/],
    ['bytes behind the value', (id: number) => framed(id, Buffer.concat([packed, packed])), /behind it/],
  ])('T44 are unreadable for %s', async (_what, valueOf, detail) => {
    const { registry, decoder } = await setUp()
    const one = withValue(valueOf(registry.register('s', { schema }).id))
    await decoder.ready(one)
    expect(decoder.decode(one)).toMatchObject({ unreadable: { reason: 'decode', detail: expect.stringMatching(detail) as unknown } })
  })

  it('an id that was not there is asked for again after a while', async () => {
    const { registry, decoder, clock } = await setUp()
    const one = withValue(framed(1))
    await decoder.ready(one)
    registry.register('s', { schema })
    expect(decoder.ready(one)).toBeUndefined()
    clock.advance(30_000)
    await decoder.ready(one)
    expect(jsonOf(decoder.decode(one))).toEqual({ n: 5 })
  })
})

describe('a registry in trouble', () => {
  it.each([
    ['answers 500', { kind: 'status', status: 500 }],
    ['answers 401', { kind: 'status', status: 401 }],
    ['answers 404 as a proxy does', { kind: 'status', status: 404, body: '{}' }],
    ['hangs up', { kind: 'drop' }],
    ['does not answer', { kind: 'silence' }],
    ['redirects', { kind: 'status', status: 302 }],
    ['answers nonsense', { kind: 'body', body: '<html>' }],
    ['answers without a schema', { kind: 'body', body: '{}' }],
    ['answers more than is allowed', { kind: 'body', body: `"${'x'.repeat(9 * 1024 * 1024)}"` }],
  ] as const)('that %s holds records back, and they are decoded when it is well again', async (_what, fault) => {
    const { registry, decoder, clock } = await setUp()
    const one = withValue(framed(registry.register('s', { schema }).id))
    registry.fault = fault
    const ready = decoder.ready(one)
    let waits = true
    void ready?.then(() => (waits = false))
    await expect.poll(() => clock.pending).toBe(1)
    expect(waits).toBe(true)
    registry.fault = undefined
    clock.advance(500)
    await ready
    expect(jsonOf(decoder.decode(one))).toEqual({ n: 5 })
  })

  it('ends the wait when the connector stops', async () => {
    const { registry, decoder, clock, stop } = await setUp()
    registry.fault = { kind: 'drop' }
    const ready = decoder.ready(withValue(framed(1)))
    await expect.poll(() => clock.pending).toBe(1)
    stop.abort(new Error('stopping'))
    await expect(ready).rejects.toThrow('stopping')
    expect(clock.pending).toBe(0)
  })

  it('that wants credentials gets them, and no log or error has them', async () => {
    const { registry, decoder } = await setUp({ credentials: 'me:s3cret' }, { username: 'me', password: new Secret('s3cret') })
    const one = withValue(framed(registry.register('s', { schema }).id))
    await decoder.ready(one)
    expect(jsonOf(decoder.decode(one))).toEqual({ n: 5 })
    const wrong = registryClient({
      url: registry.url,
      material: () => Promise.resolve({ username: 'me', password: new Secret('other-secret') }),
    })
    const error: unknown = await wrong.get('/schemas/ids/1', new AbortController().signal).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'E_KAFKA_REGISTRY' })
    expect(`${String(error)} ${String((error as Error).cause)}`).not.toContain('other-secret')
    wrong.close()
  })
})
