import { isCollection, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml'

/** A YAML (or JSON) document that knows on which line each value stands. */
export interface LocatedYaml {
  readonly value: unknown
  /** Line of the value at `path`, or of the deepest part of the path that exists. From 1. */
  lineOf(path: readonly PropertyKey[]): number
  /** What is not YAML. Empty when `value` can be used. */
  readonly problems: readonly { readonly line: number; readonly reason: string }[]
}

/** Aliases may repeat a part of the document, but not blow it up. */
const maxAliases = 100

/** Reads a document. Never throws. */
export const readLocatedYaml = (text: string): LocatedYaml => {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const lineAt = (offset: number | undefined): number => Math.max(1, lines.linePos(offset ?? 0).line)
  const lineOf = (path: readonly PropertyKey[]): number => {
    let node: unknown = document.contents
    let offset = isNode(node) ? node.range?.[0] : undefined
    for (const step of path) {
      if (!isCollection(node)) break
      if (isMap(node)) {
        const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step))
        if (pair === undefined) break
        offset = isScalar(pair.key) ? pair.key.range?.[0] : offset
        node = pair.value
      } else {
        const item: unknown = node.items[Number(step)]
        if (!isNode(item)) break
        offset = item.range?.[0]
        node = item
      }
    }
    return lineAt(offset)
  }
  const problems = document.errors.map((error) => ({ line: lineAt(error.pos[0]), reason: `not valid YAML: ${error.message}` }))
  if (problems.length > 0) return { value: undefined, lineOf, problems }
  try {
    return { value: document.toJS({ maxAliasCount: maxAliases }), lineOf, problems }
  } catch {
    return { value: undefined, lineOf, problems: [{ line: 1, reason: 'too many aliases' }] }
  }
}

/** One mistake of a schema. */
export interface SchemaIssue {
  readonly path: readonly PropertyKey[]
  readonly message: string
  /** For keys that nobody knows. */
  readonly keys?: readonly string[]
}

/** `file:line: path: what is wrong`, one text per mistake, in the order of lines, at most 20. */
export const locateIssues = (file: string, yaml: LocatedYaml, issues: readonly SchemaIssue[]): string[] => {
  const found = issues.map(({ path, message, keys = [] }) => {
    const line = yaml.lineOf(keys[0] === undefined ? path : [...path, keys[0]])
    const where = path.map(String).join('.')
    return { line, text: `${file}:${line}: ${where === '' ? '' : `${where}: `}${message}` }
  })
  return found
    .toSorted((a, b) => a.line - b.line)
    .slice(0, 20)
    .map(({ text }) => text)
}
