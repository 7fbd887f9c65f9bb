/** How a value is written. Named types are shared, so a schema may refer to itself. */
export type AvroType =
  | { readonly kind: 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string' }
  | { readonly kind: 'decimal'; readonly scale: number; readonly size: number | undefined }
  | { readonly kind: 'fixed'; readonly size: number }
  | { readonly kind: 'enum'; readonly symbols: readonly string[] }
  | { readonly kind: 'array' | 'map'; readonly items: AvroType }
  | { readonly kind: 'union'; readonly branches: readonly AvroType[] }
  | { readonly kind: 'record'; readonly fields: { readonly name: string; readonly type: AvroType }[] }

const primitives: ReadonlySet<string> = new Set(['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'])
const nameForm = /^[A-Za-z_][A-Za-z0-9_]{0,255}(?:\.[A-Za-z_][A-Za-z0-9_]{0,255}){0,32}$/
const maxDepth = 64

type Json = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

const bad = (what: string): never => {
  throw new Error(`the Avro schema is not usable: ${what}`)
}

/** Types by full name, over a schema and those it refers to. https://avro.apache.org/docs/1.12.0/specification/ */
export class AvroNames {
  readonly #types = new Map<string, AvroType>()

  /** @param text JSON of a schema; what it refers to was read before. @throws Error for what is not one */
  read(text: string): AvroType {
    return this.#type(JSON.parse(text) as unknown, '', 0)
  }

  #type(schema: unknown, namespace: string, depth: number): AvroType {
    if (depth > maxDepth) bad('it is nested too deeply')
    if (typeof schema === 'string') return this.#named(schema, namespace)
    if (Array.isArray(schema)) return { kind: 'union', branches: schema.map((branch) => this.#type(branch, namespace, depth + 1)) }
    if (!isObject(schema)) return bad('a type is neither a name, an object nor a list')
    const { type } = schema
    if (schema['logicalType'] === 'decimal' && (type === 'bytes' || type === 'fixed')) return this.#decimal(schema, namespace)
    if (type === 'array') return { kind: 'array', items: this.#type(schema['items'], namespace, depth + 1) }
    if (type === 'map') return { kind: 'map', items: this.#type(schema['values'], namespace, depth + 1) }
    if (type === 'record' || type === 'error') return this.#record(schema, namespace, depth)
    if (type === 'enum') return this.#define(schema, namespace, { kind: 'enum', symbols: this.#symbols(schema['symbols']) })
    if (type === 'fixed') return this.#define(schema, namespace, { kind: 'fixed', size: this.#size(schema) })
    return this.#type(type, namespace, depth + 1)
  }

  #named(name: string, namespace: string): AvroType {
    if (primitives.has(name)) return { kind: name } as AvroType
    const full = name.includes('.') || namespace === '' ? name : `${namespace}.${name}`
    return this.#types.get(full) ?? this.#types.get(name) ?? bad(`it refers to a type that is not there: ${name.slice(0, 100)}`)
  }

  #decimal(schema: Json, namespace: string): AvroType {
    const scale = isCount(schema['scale']) && schema['scale'] <= 1000 ? schema['scale'] : 0
    if (schema['type'] === 'bytes') return { kind: 'decimal', scale, size: undefined }
    return this.#define(schema, namespace, { kind: 'decimal', scale, size: this.#size(schema) })
  }

  #record(schema: Json, namespace: string, depth: number): AvroType {
    const fields: { name: string; type: AvroType }[] = []
    // Before its fields: they may refer to it.
    this.#define(schema, namespace, { kind: 'record', fields })
    const inner = this.#fullName(schema, namespace).split('.').slice(0, -1).join('.')
    for (const field of Array.isArray(schema['fields']) ? (schema['fields'] as readonly unknown[]) : bad('a record has no fields')) {
      if (!isObject(field) || typeof field['name'] !== 'string' || !nameForm.test(field['name'])) return bad('a field has no name')
      fields.push({ name: field['name'], type: this.#type(field['type'], inner, depth + 1) })
    }
    return { kind: 'record', fields }
  }

  #symbols(symbols: unknown): readonly string[] {
    if (!Array.isArray(symbols) || !symbols.every((symbol) => typeof symbol === 'string')) return bad('an enum has no symbols')
    return symbols
  }

  #size(schema: Json): number {
    return isCount(schema['size']) ? schema['size'] : bad('a fixed type has no size')
  }

  #fullName(schema: Json, namespace: string): string {
    const { name, namespace: own } = schema
    if (typeof name !== 'string' || !nameForm.test(name)) return bad('a named type has no usable name')
    const space = typeof own === 'string' ? own : namespace
    return name.includes('.') || space === '' ? name : `${space}.${name}`
  }

  #define(schema: Json, namespace: string, type: AvroType): AvroType {
    this.#types.set(this.#fullName(schema, namespace), type)
    return type
  }
}
