import { MillraceError } from '@millrace/sdk'
import { AvroNames } from './avro-schema.ts'
import { readAvro } from './avro-reader.ts'
import { toJsonBytes } from './json-text.ts'
import { protobufSchema } from './protobuf-schema.ts'
import type { ProtoFile } from './protobuf-schema.ts'
import type { RegistryClient } from './registry-client.ts'

/** Turns what was written with one schema into JSON. @throws Error for bytes that were not */
export type SchemaReader = (rest: Buffer, payload: Buffer | undefined) => Uint8Array

interface SchemaAnswer {
  readonly kind: string
  readonly text: string
  readonly references: readonly { readonly name: string; readonly subject: string; readonly version: number }[]
}

const maxReferences = 64

const malformed = (path: string, reason: string): MillraceError =>
  new MillraceError('E_KAFKA_REGISTRY', { url: '(configured)', what: path, reason })

const readAnswer = (value: unknown, path: string): SchemaAnswer => {
  const { schema, schemaType = 'AVRO', references = [] } = value as Readonly<Record<string, unknown>>
  if (typeof schema !== 'string' || typeof schemaType !== 'string' || !Array.isArray(references))
    throw malformed(path, 'its answer has no schema')
  const list = (references as readonly unknown[]).map((one) => {
    const { name, subject, version } = (one ?? {}) as Readonly<Record<string, unknown>>
    if (typeof name !== 'string' || typeof subject !== 'string' || !Number.isSafeInteger(version))
      throw malformed(path, 'a reference is broken')
    return { name, subject, version: version as number }
  })
  return { kind: schemaType.toUpperCase(), text: schema, references: list }
}

/** What a schema refers to, and what that refers to, each before those that need it. */
const collect = async (answer: SchemaAnswer, client: RegistryClient, signal: AbortSignal, found: Map<string, ProtoFile>): Promise<void> => {
  for (const { name, subject, version } of answer.references) {
    if (found.has(name)) continue
    const path = `/subjects/${encodeURIComponent(subject)}/versions/${version}`
    // Its place is taken at once, so that a circle ends; a Map keeps places, so it is put in again behind what it needs.
    found.set(name, { name, text: '' })
    if (found.size > maxReferences) throw new Error(`the schema refers to more than ${maxReferences} others`)
    const value = await client.get(path, signal)
    if (value === undefined) throw new Error('the schema refers to one that the registry does not have')
    const referred = readAnswer(value, path)
    await collect(referred, client, signal, found)
    found.delete(name)
    found.set(name, { name, text: referred.text })
  }
}

const compile = (answer: SchemaAnswer, references: readonly ProtoFile[]): SchemaReader => {
  switch (answer.kind) {
    case 'AVRO': {
      const names = new AvroNames()
      for (const { text } of references) names.read(text)
      const type = names.read(answer.text)
      return (rest, payload) => toJsonBytes(readAvro(type, payload ?? rest))
    }
    case 'PROTOBUF': {
      const toObject = protobufSchema(answer.text, references)
      return (rest, payload) => toJsonBytes(toObject(rest, payload))
    }
    case 'JSON':
      // It is JSON already; whether it keeps to its schema was the producer's to see to.
      return (rest, payload) => payload ?? rest
    default:
      throw new Error('the schema is of a kind that is not known here')
  }
}

/**
 * Asks the registry for a schema and all it refers to, and makes it ready. `undefined`: the registry does not have it.
 *
 * @throws MillraceError `E_KAFKA_REGISTRY` when it must be asked again
 * @throws Error for a schema that will never be usable
 */
export const fetchSchema = async (client: RegistryClient, path: string, signal: AbortSignal): Promise<SchemaReader | undefined> => {
  const value = await client.get(path, signal)
  if (value === undefined) return undefined
  const answer = readAnswer(value, path)
  const references = new Map<string, ProtoFile>()
  await collect(answer, client, signal, references)
  return compile(answer, [...references.values()])
}
