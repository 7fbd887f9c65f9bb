import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'

/** One top-level entry of a settings file. */
export interface YamlEntry {
  readonly name: string
  /** As it is written in the file, so that `0123` and `1e3` stay what the author typed. */
  readonly value: string | readonly string[]
  readonly line: number
}

/** Something in the file that is not a setting. */
export interface YamlProblem {
  readonly line: number
  readonly reason: string
}

export interface YamlSettings {
  readonly entries: readonly YamlEntry[]
  readonly problems: readonly YamlProblem[]
}

const scalarText = (node: unknown): string | undefined => {
  if (!isScalar(node)) return undefined
  if (node.value === null) return ''
  return typeof node.value === 'string' ? node.value : node.source
}

const valueOf = (node: unknown): string | readonly string[] | undefined => {
  if (!isSeq(node)) return node === null ? '' : scalarText(node)
  const items = node.items.map(scalarText)
  return items.every((item) => item !== undefined) ? items : undefined
}

/** Reads a flat YAML mapping of settings. Never throws: what is wrong comes back as problems with their lines, never with values. */
export const parseYamlSettings = (text: string): YamlSettings => {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const lineAt = (offset: number | undefined): number => lines.linePos(offset ?? 0).line
  // A parser's message may quote the text around the fault, which may be a secret: only its code is kept.
  const problems: YamlProblem[] = document.errors.map((error) => ({ line: lineAt(error.pos[0]), reason: `not valid YAML (${error.code})` }))
  const entries: YamlEntry[] = []
  const root = document.contents
  if (problems.length > 0 || root === null) return { entries, problems }
  if (!isMap(root)) return { entries, problems: [{ line: 1, reason: 'the file must be a mapping, one `name: value` a line' }] }
  for (const { key, value } of root.items) {
    const line = lineAt(isScalar(key) ? key.range?.[0] : undefined)
    const name = scalarText(key)
    const parsed = isAlias(value) ? undefined : valueOf(value)
    if (name === undefined) problems.push({ line, reason: 'a name must be plain text' })
    else if (parsed === undefined) problems.push({ line, reason: 'a value must be plain text, a number, a boolean or a list of these' })
    else if (parsed !== '') entries.push({ name, value: parsed, line })
  }
  return { entries, problems }
}
