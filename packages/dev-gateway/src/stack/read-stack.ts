import { readFileSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { describeError, locateIssues, MillraceError, readLocatedYaml, type LocatedYaml } from '@millrace/sdk/testing/gateway'
import { findHandler, type HandlerFile } from './handler-file.ts'
import {
  environmentFileSchema,
  functionFields,
  ignoredFields,
  stackFields,
  stackSchema,
  type Resources,
  type Scalars,
  type StackEntry,
} from './schema.ts'
import { substitute, type Variables } from './substitute.ts'

/** One function of a stack file, checked. */
export interface StackFunction {
  readonly name: string
  readonly namespace: string | undefined
  readonly image: string
  readonly annotations: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  readonly environment: Readonly<Record<string, string>>
  readonly limits: { readonly memory?: string; readonly cpu?: string } | undefined
  readonly requests: { readonly memory?: string; readonly cpu?: string } | undefined
  readonly runs: { readonly kind: 'handler'; readonly handler: HandlerFile } | { readonly kind: 'upstream'; readonly url: string }
}

export interface Stack {
  readonly file: string
  readonly functions: readonly StackFunction[]
  /** Things that are probably mistakes: `file:line: text`. */
  readonly warnings: readonly string[]
}

const read = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new MillraceError('E_STACK_READ', { file, reason: describeError(error) }, error)
  }
}

const invalid = (file: string, problems: readonly string[]): never => {
  throw new MillraceError('E_STACK_INVALID', { file, problems: problems.join('\n') })
}

const parse = (file: string, variables: Variables): LocatedYaml => {
  const yaml = readLocatedYaml(substitute(read(file), variables))
  if (yaml.problems.length > 0)
    invalid(
      file,
      yaml.problems.map(({ line, reason }) => `${basename(file)}:${line}: ${reason}`),
    )
  return yaml
}

/** YAML's numbers and booleans as the text that OpenFaaS keeps. Without a prototype: names come from outside. */
const toTexts = (values: Scalars | null | undefined): Record<string, string> => {
  const texts = Object.create(null) as Record<string, string>
  for (const [key, value] of Object.entries(values ?? {})) texts[key] = value === null ? '' : String(value)
  return texts
}

const present = (values: Resources | null | undefined): { memory?: string; cpu?: string } | undefined => {
  if (values === null || values === undefined) return undefined
  const { memory, cpu } = values
  return { ...(memory === undefined ? {} : { memory: String(memory) }), ...(cpu === undefined ? {} : { cpu: String(cpu) }) }
}

/** faas-cli's order: what a file says goes over what stands in the stack. */
const environmentOf = (entry: StackEntry, folder: string, variables: Variables): Record<string, string> => {
  const files = (entry.environment_file ?? []).map((name) => {
    const file = resolve(folder, name)
    const yaml = parse(file, variables)
    const parsed = environmentFileSchema.safeParse(yaml.value)
    return parsed.success ? toTexts(parsed.data.environment) : invalid(file, locateIssues(basename(file), yaml, parsed.error.issues))
  })
  return Object.assign(toTexts(entry.environment), ...files) as Record<string, string>
}

const runsWhere = (name: string, entry: StackEntry, file: string, line: number): StackFunction['runs'] => {
  if (entry.upstream !== undefined) return { kind: 'upstream', url: entry.upstream.replace(/\/+$/, '') }
  const fail = (reason: string): never => {
    throw new MillraceError('E_STACK_HANDLER', { file: basename(file), line, function: name, reason })
  }
  if (entry.handler === undefined) return fail('it has neither handler nor upstream')
  if (entry.lang !== undefined && !/^node|^javascript/.test(entry.lang))
    return fail(`lang is ${entry.lang}, and only the Node templates run here; give it an upstream: URL where it runs`)
  const found = findHandler(resolve(dirname(file), entry.handler))
  return 'reason' in found ? fail(found.reason) : { kind: 'handler', handler: found }
}

const unknownFields = (file: string, yaml: LocatedYaml, functions: Readonly<Record<string, StackEntry>>): string[] => {
  const say = (path: readonly string[]): string =>
    `${basename(file)}:${yaml.lineOf(path)}: the field ${path.join('.')} is not known and has no effect`
  const top = Object.keys(yaml.value as object).filter((key) => !stackFields.has(key) && !ignoredFields.has(key))
  const inner = Object.entries(functions).flatMap(([name, entry]) =>
    Object.keys(entry)
      .filter((key) => !functionFields.has(key) && !ignoredFields.has(key))
      .map((key) => ['functions', name, key]),
  )
  return [...top.map((key) => [key]), ...inner].map(say)
}

/**
 * Reads a stack file of OpenFaaS.
 *
 * @throws MillraceError `E_STACK_READ`, `E_STACK_INVALID` (every mistake as `file:line: path: reason`), `E_STACK_HANDLER`.
 */
export const readStack = (path: string, variables: Variables): Stack => {
  const file = resolve(path)
  const yaml = parse(file, variables)
  const parsed = stackSchema.safeParse(yaml.value)
  if (!parsed.success) return invalid(file, locateIssues(basename(file), yaml, parsed.error.issues))
  const entries = parsed.data.functions ?? {}
  const functions = Object.entries(entries).map(([name, entry]): StackFunction => {
    const line = yaml.lineOf(['functions', name, 'handler'])
    return {
      name,
      namespace: entry.namespace || undefined,
      image: entry.image ?? `${name}:latest`,
      annotations: toTexts(entry.annotations),
      labels: toTexts(entry.labels),
      environment: environmentOf(entry, dirname(file), variables),
      limits: present(entry.limits),
      requests: present(entry.requests),
      runs: runsWhere(name, entry, file, line),
    }
  })
  return { file, functions, warnings: unknownFields(file, yaml, entries) }
}
