import { parsePath } from './json-path.ts'
import { printable } from '../printable.ts'
import type { Clause, Scalar, Subject, Test } from './clause.ts'

/** Longest filter, in characters. */
export const MAX_FILTER_LENGTH = 1024

/** Most clauses in a filter. */
export const MAX_FILTER_CLAUSES = 16

type Parsed<T> = T | { readonly problem: string }

const isProblem = (parsed: object): parsed is { readonly problem: string } => 'problem' in parsed

/** Parts a filter at each `;` outside of double quotes; `undefined` when a quote is left open. */
const splitClauses = (text: string): readonly string[] | undefined => {
  const clauses: string[] = []
  let start = 0
  let quoted = false
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]
    if (quoted && character === '\\') at += 1
    else if (character === '"') quoted = !quoted
    else if (character === ';' && !quoted) {
      clauses.push(text.slice(start, at))
      start = at + 1
    }
  }
  if (quoted) return undefined
  clauses.push(text.slice(start))
  return clauses.map((clause) => clause.trim()).filter((clause) => clause !== '')
}

/** The characters of header names, save those that are operators. */
const headerSubject = /^header:\s*([A-Za-z0-9_.-]{1,256})/

const attributeSubject = /^(topic|type|source)(?![A-Za-z0-9_.:-])/

const parseSubject = (text: string): Parsed<{ readonly subject: Subject; readonly rest: string }> => {
  if (text.startsWith('$')) {
    const parsed = parsePath(text)
    return isProblem(parsed) ? parsed : { subject: { kind: 'path', path: parsed.path }, rest: text.slice(parsed.end).trim() }
  }
  const header = headerSubject.exec(text)
  if (header !== null) {
    return { subject: { kind: 'header', name: (header[1] ?? '').toLowerCase() }, rest: text.slice(header[0].length).trim() }
  }
  const attribute = attributeSubject.exec(text)
  if (attribute !== null) {
    return {
      subject: { kind: 'attribute', name: attribute[1] as 'topic' | 'type' | 'source' },
      rest: text.slice(attribute[0].length).trim(),
    }
  }
  return { problem: 'it begins with `header:NAME`, `$`, `topic`, `type` or `source`' }
}

const parseJson = (text: string): { readonly value: unknown } | undefined => {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return undefined
  }
}

const isScalar = (value: unknown): value is Scalar => value === null || ['string', 'number', 'boolean'].includes(typeof value)

/** A value: text in double quotes is a JSON string; for a path also a number, `true`, `false` and `null` are what they are in JSON; the rest is text. */
const parseValue = (text: string, typed: boolean): Parsed<{ readonly value: Scalar }> => {
  const json = text.startsWith('"') || typed ? parseJson(text) : undefined
  if (json !== undefined) {
    return isScalar(json.value) ? { value: json.value } : { problem: 'a value is text, a number, `true`, `false` or `null`' }
  }
  if (text.startsWith('"')) return { problem: 'the text in double quotes is not a JSON string' }
  return { value: text }
}

const parseList = (text: string, typed: boolean): Parsed<Test> => {
  const values = parseJson(text)?.value
  if (!Array.isArray(values) || !values.every(isScalar)) return { problem: 'after `in` stands a JSON list of values, e.g. `[1,"b"]`' }
  if (!typed && !values.every((value) => typeof value === 'string')) return { problem: 'a list for anything but a path holds strings only' }
  return { kind: 'in', values }
}

const textTest = (kind: 'prefix' | 'suffix', text: string): Parsed<Test> => {
  const parsed = parseValue(text, false)
  if (isProblem(parsed)) return parsed
  return { kind, value: String(parsed.value) }
}

const equalTest = (kind: 'equal' | 'unequal', text: string, typed: boolean): Parsed<Test> => {
  const parsed = parseValue(text, typed)
  return isProblem(parsed) ? parsed : { kind, value: parsed.value }
}

const parseTest = (rest: string, typed: boolean): Parsed<Test> => {
  if (rest === '?') return { kind: 'present' }
  if (rest.startsWith('!=')) return equalTest('unequal', rest.slice(2).trim(), typed)
  if (rest.startsWith('^=')) return textTest('prefix', rest.slice(2).trim())
  if (rest.startsWith('$=')) return textTest('suffix', rest.slice(2).trim())
  if (rest.startsWith('=')) return equalTest('equal', rest.slice(1).trim(), typed)
  if (/^in[\s[]/.test(rest)) return parseList(rest.slice(2).trim(), typed)
  return { problem: 'after it stands `=`, `!=`, `^=`, `$=`, `in` or a lone `?`' }
}

const parseClause = (text: string): Parsed<Clause> => {
  const subject = parseSubject(text)
  if (isProblem(subject)) return subject
  const test = parseTest(subject.rest, subject.subject.kind === 'path')
  return isProblem(test) ? test : { text, subject: subject.subject, test }
}

/** Reads a filter. The grammar is in docs/filters.md. */
export const parseFilter = (text: string): Parsed<{ readonly clauses: readonly Clause[] }> => {
  if (text.length > MAX_FILTER_LENGTH) return { problem: `a filter has at most ${MAX_FILTER_LENGTH} characters, this one ${text.length}` }
  const texts = splitClauses(text)
  if (texts === undefined) return { problem: 'a double quote is not closed' }
  if (texts.length === 0) return { problem: 'a filter has at least one clause' }
  if (texts.length > MAX_FILTER_CLAUSES) return { problem: `a filter has at most ${MAX_FILTER_CLAUSES} clauses, this one ${texts.length}` }
  const clauses: Clause[] = []
  for (const clause of texts) {
    const parsed = parseClause(clause)
    if (isProblem(parsed)) return { problem: `clause \`${printable(clause, 80)}\`: ${parsed.problem}` }
    clauses.push(parsed)
  }
  return { clauses }
}
