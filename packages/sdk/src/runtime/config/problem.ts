import { MillraceError } from '../../core/errors.ts'
import { printable } from '../../core/printable.ts'

/** The exit code of a process whose configuration is wrong. */
export const exitCodeConfig = 2

/** One thing that is wrong with the configuration. Never holds a secret. */
export interface ConfigProblem {
  /** The setting, or the unknown name. */
  readonly name: string
  /** What is wrong, a sentence without a full stop. */
  readonly reason: string
  /** As it was written, bounded and escaped; absent for secrets and for unknown names. */
  readonly value?: string
  /** `env GATEWAY_URL`, `millrace.yaml:3`, `flag --gateway-url`, `file /var/secrets/x`. */
  readonly origin?: string
  readonly allowed?: string
  /** How a right value is written. */
  readonly example?: string
  /** The known name that was probably meant. */
  readonly suggestion?: string
}

/** At most 120 characters, quoted, on one line. */
export const showValue = (value: string | readonly string[]): string =>
  JSON.stringify(printable(typeof value === 'string' ? value : value.join(','), 120))

const line = (label: string, value: string | undefined): string => (value === undefined ? '' : `\n    ${label.padEnd(7)} ${value}`)

const describeProblem = (problem: ConfigProblem): string =>
  [
    `  ${problem.name}: ${problem.reason}`,
    line('value', problem.value),
    line('from', problem.origin),
    line('allowed', problem.allowed),
    line('example', problem.example),
    line('meant?', problem.suggestion),
  ].join('')

const namesOf = (problems: readonly ConfigProblem[]): string => {
  const names = problems.slice(0, 20).map((problem) => problem.name)
  return [...names, ...(problems.length > names.length ? ['...'] : [])].join(', ')
}

/** Everything that is wrong with the configuration, at once. The process ends with `exitCodeConfig`. */
export class ConfigError extends MillraceError {
  override readonly name: string = 'ConfigError'
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[]) {
    super('E_CONFIG_INVALID', { count: problems.length, names: namesOf(problems) })
    this.problems = problems
  }

  override explain(): string {
    return [this.message, ...this.problems.map(describeProblem), `  effect ${this.effect}`, `  fix    ${this.fix}`].join('\n')
  }
}
