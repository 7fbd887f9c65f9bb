import type { MillraceEvent } from '../../contract/event.ts'
import type { EventFilter } from '../function-policy.ts'
import { printable } from '../printable.ts'
import type { Clause, Scalar, Test } from './clause.ts'
import { viewOf } from './event-view.ts'
import type { EventView } from './event-view.ts'
import { readPath } from './json-path.ts'
import type { PathSegment } from './json-path.ts'
import { parseFilter } from './parse-filter.ts'

/** Options of `compileFilter`. */
export interface FilterOptions {
  /** Data longer than this, in bytes, is not read as JSON and so matches no `$` clause. @default 1048576 */
  readonly maxJsonBytes?: number
}

/** A filter ready for use. */
export interface CompiledFilter {
  readonly filter: EventFilter
  /** The first clause that an event does not meet, as written and printable; `undefined` when it meets all. */
  readonly firstMismatch: (event: MillraceEvent) => string | undefined
}

type Check = (view: EventView) => boolean

/** A test of one value that is there. `unequal` is not among them: it also holds for what is absent. */
const valueTest = (test: Exclude<Test, { kind: 'unequal' }>): ((value: unknown) => boolean) => {
  switch (test.kind) {
    case 'present':
      return () => true
    case 'equal':
      return (value) => value === test.value
    case 'prefix':
      return (value) => typeof value === 'string' && value.startsWith(test.value)
    case 'suffix':
      return (value) => typeof value === 'string' && value.endsWith(test.value)
    case 'in': {
      const values = new Set<unknown>(test.values)
      return (value) => values.has(value)
    }
  }
}

const textCheck = (read: (view: EventView) => readonly string[], test: Test): Check => {
  if (test.kind === 'unequal') {
    const refused: Scalar = test.value
    return (view) => !read(view).some((value) => value === refused)
  }
  const holds = valueTest(test)
  return (view) => read(view).some(holds)
}

const pathCheck = (path: readonly PathSegment[], test: Test, maxBytes: number): Check => {
  const holds = test.kind === 'unequal' ? undefined : valueTest(test)
  return (view) => {
    const json = view.json(maxBytes)
    if (json === undefined) return false
    const found = readPath(json.value, path)
    if (test.kind === 'unequal') return found === undefined || found.value !== test.value
    return found !== undefined && holds !== undefined && holds(found.value)
  }
}

const compileClause = ({ subject, test }: Clause, maxBytes: number): Check => {
  switch (subject.kind) {
    case 'header':
      return textCheck((view) => view.header(subject.name), test)
    case 'attribute':
      return textCheck((view) => [view.event[subject.name]], test)
    case 'path':
      return pathCheck(subject.path, test, maxBytes)
  }
}

/**
 * Compiles the annotation `com.openfaas.connector.filter` (docs/filters.md). Nothing in it is run as code or as a
 * regular expression. Headers and paths are read through own look-ups only.
 *
 * @returns the filter, or what is wrong with the text in one printable sentence
 */
export const compileFilter = (text: string, options: FilterOptions = {}): CompiledFilter | { readonly problem: string } => {
  const parsed = parseFilter(text)
  if ('problem' in parsed) return parsed
  const maxBytes = options.maxJsonBytes ?? 1_048_576
  const checks = parsed.clauses.map((clause) => ({ text: clause.text, holds: compileClause(clause, maxBytes) }))
  return {
    filter: (event) => {
      const view = viewOf(event)
      for (const check of checks) if (!check.holds(view)) return false
      return true
    },
    firstMismatch: (event) => {
      const view = viewOf(event)
      const missed = checks.find((check) => !check.holds(view))
      return missed === undefined ? undefined : printable(missed.text, 200)
    },
  }
}
