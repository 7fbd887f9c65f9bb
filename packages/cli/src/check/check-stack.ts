import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { readStack } from '@millrace/dev-gateway'
import type { Stack } from '@millrace/dev-gateway'
import { isMillraceError } from '@millrace/sdk'
import type { AnnotationProblem, CoreConfig, MillraceError } from '@millrace/sdk'
import { readLocatedYaml } from '@millrace/sdk/testing/gateway'
import { offlineMap } from '../stack/offline-map.ts'
import type { CheckedConfig } from './check-config.ts'
import { checkQueues } from './check-queues.ts'
import { checkSchedules } from './check-schedules.ts'
import type { Finding } from './finding.ts'
import { topicWarnings } from './topic-warnings.ts'

/** What the checks need to know. */
export interface StackCheck {
  readonly file: string
  readonly variables: Readonly<Record<string, string | undefined>>
  readonly core: CoreConfig
  readonly timezone: string
  readonly rabbitmq: CheckedConfig['rabbitmq']
  readonly deadLetterTopics: readonly string[]
}

/** `stack.yaml:12: text`, as the stack reader writes. */
const located = (text: string, severity: Finding['severity'], code: Finding['code']): Finding => {
  const [, file, line, reason] = /^([^\n:]+):(\d+): ([^]*)$/.exec(text) ?? []
  return file === undefined || reason === undefined
    ? { severity, code, reason: text }
    : { severity, code, file, line: Number(line), reason }
}

const unusable = (error: MillraceError, file: string): Finding[] => {
  const { problems, line, reason, function: name } = error.context
  if (error.code === 'E_STACK_INVALID')
    return String(problems)
      .split('\n')
      .map((text) => located(text, 'problem', 'stack'))
  const where = { file: basename(file), ...(typeof line === 'number' && { line }), ...(typeof name === 'string' && { function: name }) }
  return [{ severity: 'problem', code: 'stack', ...where, reason: String(reason) }]
}

/** Where the annotations of a function stand. The text before the substitution of variables has the same lines, with rare exceptions. */
const lineFinder = (file: string): ((name: string, annotation?: string) => number | undefined) => {
  const yaml = readLocatedYaml(readFileSync(file, 'utf8'))
  if (yaml.problems.length > 0) return () => undefined
  return (name, annotation) => yaml.lineOf(['functions', name, ...(annotation === undefined ? [] : ['annotations', annotation])])
}

/** Everything that can be said of a stack file without a network and without running a function. */
export const checkStack = async (check: StackCheck): Promise<readonly Finding[]> => {
  const { file, core } = check
  let stack: Stack
  try {
    stack = readStack(file, check.variables)
  } catch (error) {
    if (isMillraceError(error)) return unusable(error, file)
    throw error
  }
  const map = offlineMap(stack, core)
  const lineOf = lineFinder(file)
  const shortName = (key: string): string => key.split('.')[0] ?? key
  const at = (name: string, annotation?: string): Pick<Finding, 'file' | 'line' | 'function'> => {
    const line = lineOf(shortName(name), annotation)
    return { file: basename(file), function: name, ...(line !== undefined && { line }) }
  }
  const ofAnnotation =
    (code: 'annotation' | 'schedule') =>
    ({ function: name, annotation, reason }: AnnotationProblem): Finding => ({
      severity: 'problem',
      code,
      ...at(name, annotation),
      reason: `annotation ${annotation}: ${reason}`,
    })
  const declarations = [...map.declarations().values()]
  const schedules = await checkSchedules(declarations, check.timezone)
  return [
    ...stack.warnings.map((text) => located(text, 'warning', 'unknown-field')),
    ...map.problems.map(ofAnnotation('annotation')),
    ...schedules.map(ofAnnotation('schedule')),
    ...checkQueues(declarations, check.rabbitmq).map(ofAnnotation('annotation')),
    ...topicWarnings(map, check.deadLetterTopics).map(({ code, sure, function: name, reason }): Finding => ({
      severity: sure ? 'problem' : 'warning',
      code,
      ...at(name, 'topic'),
      reason,
    })),
  ]
}
