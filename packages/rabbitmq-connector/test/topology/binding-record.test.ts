import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { byId, formatRecord, parseRecord } from '../../src/topology/binding-record.ts'
import { byteLength } from '../../src/topology/names.ts'
import type { Binding } from '../../src/topology/plan.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const name = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((text) => byteLength(text) <= 255)
const full = name.filter((text) => text !== '')
const binding: fc.Arbitrary<Binding> = fc
  .record({ exchange: full, routingKey: name, args: fc.option(fc.array(fc.tuple(name, name), { maxLength: 3 }), { nil: undefined }) })
  .map(({ exchange, routingKey, args }) => ({ exchange, routingKey, ...(args !== undefined && { arguments: new Map(args) }) }))

describe('what a queue was bound to, in the state store', () => {
  it('is read back as it was written', () => {
    fc.assert(
      fc.property(full, fc.option(full, { nil: undefined }), fc.array(binding, { maxLength: 6 }), (queue, functionName, list) => {
        const record = { queue, ...(functionName !== undefined && { function: functionName }), bindings: byId(list) }
        const read = parseRecord(bytes(formatRecord(record)))
        expect(read?.queue).toBe(queue)
        expect(read?.function).toBe(functionName)
        expect([...(read?.bindings.keys() ?? [])].toSorted()).toEqual([...record.bindings.keys()].toSorted())
      }),
    )
  })

  it.each([
    '',
    'null',
    '[]',
    '{"v":2,"queue":"q","bindings":[]}',
    '{"v":1,"queue":"","bindings":[]}',
    '{"v":1,"queue":"q","bindings":{}}',
    '{"v":1,"queue":"q","bindings":[["","k"]]}',
    '{"v":1,"queue":"q","bindings":[["x"]]}',
    '{"v":1,"queue":"q","bindings":[["x","k",[["a",1]]]]}',
    '{"v":1,"queue":"q","function":7,"bindings":[]}',
    `{"v":1,"queue":"${'q'.repeat(256)}","bindings":[]}`,
  ])('is nothing of ours: %s', (text) => {
    expect(parseRecord(bytes(text))).toBeUndefined()
  })

  it('never throws, whoever has written there', () => {
    fc.assert(fc.property(fc.oneof(fc.uint8Array(), fc.json().map(bytes)), (written) => void parseRecord(written)))
  })
})
