import protobuf from 'protobufjs'
import { readMessageIndexes } from './wire-format.ts'

/** A file that another imports, by the name in the import. */
export interface ProtoFile {
  readonly name: string
  readonly text: string
}

const messagesOf = (scope: protobuf.NamespaceBase): readonly protobuf.Type[] =>
  scope.nestedArray.filter((one) => one instanceof protobuf.Type)

/** The package of a file as the library sees it: the namespace that has its messages. */
const scopeOf = (root: protobuf.Root, name: string | undefined): protobuf.NamespaceBase => {
  const scope = name === undefined ? root : root.lookup(name)
  return scope instanceof protobuf.Namespace ? scope : root
}

/** Files that come with protobufjs: any, duration, empty, field_mask, struct, timestamp, wrappers. */
const addKnown = (root: protobuf.Root, imports: readonly string[]): void => {
  for (const name of imports) {
    const known = protobuf.common.get(name)
    if (known?.nested !== undefined && name.startsWith('google/protobuf/')) root.addJSON(known.nested)
  }
}

/**
 * A Protobuf schema of the registry, ready to read messages of any type in its file.
 *
 * @param references what it imports, each before those that import it
 * @throws Error for what is not a schema
 */
export const protobufSchema = (
  text: string,
  references: readonly ProtoFile[],
): ((bytes: Buffer, payload: Buffer | undefined) => unknown) => {
  const root = new protobuf.Root()
  for (const file of references) addKnown(root, protobuf.parse(file.text, root).imports ?? [])
  const parsed = protobuf.parse(text, root)
  addKnown(root, parsed.imports ?? [])
  root.resolveAll()
  // The order of messages is that of the file alone.
  const alone = new protobuf.Root()
  const own = scopeOf(alone, protobuf.parse(text, alone).package)
  const typeAt = (indexes: readonly number[]): protobuf.Type => {
    let scope = own
    for (const index of indexes) {
      const message = messagesOf(scope)[index]
      if (message === undefined) throw new Error('the schema has no message at these indexes')
      scope = message
    }
    return root.lookupType(scope.fullName)
  }
  return (bytes, payload) => {
    const { indexes, rest } = readMessageIndexes(bytes)
    const type = typeAt(indexes)
    return type.toObject(type.decode(payload ?? rest), { longs: String, enums: String, bytes: String, json: true })
  }
}
