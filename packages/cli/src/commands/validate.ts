import { checkConfig } from '../check/check-config.ts'
import { checkStack } from '../check/check-stack.ts'
import { type Finding, findingLine } from '../check/finding.ts'
import type { CliIo } from '../io.ts'
import { findStack } from '../stack/find-stack.ts'
import { type AddCommand, collect, jsonText } from './add-command.ts'

interface ValidateFlags {
  readonly stack?: string
  readonly config?: string
  readonly deadLetterTopic?: readonly string[]
  readonly strict?: true
  readonly json?: true
}

const help = `
Offline: nothing is called and no function is started. Topics, filters, retries, limits and schedules are read by the code that the
connectors use. Topics that are called like dead letters (orders.dlq) are warned of; --dead-letter-topic names others.

Exit codes: 0 nothing wrong, 1 problems (with --strict also warnings), 2 wrong usage.

Examples
  millrace validate
  millrace validate --stack stack.yaml --config millrace.yaml --strict
  millrace validate --dead-letter-topic orders.failed --json`

const print = (findings: readonly Finding[], count: (severity: Finding['severity']) => number, io: CliIo): void => {
  for (const finding of findings) io.out(`${findingLine(finding)}\n`)
  const problems = count('problem')
  const warnings = count('warning')
  io.out(`${problems} ${problems === 1 ? 'problem' : 'problems'}, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}\n`)
}

/** `millrace validate`: configuration and stack file, offline. */
export const validateCommand: AddCommand = (program, io, exit) => {
  program
    .command('validate')
    .description('check configuration and stack file, offline')
    .option('--stack <file>', 'stack file (default: stack.yaml here, else examples/stack.yaml)')
    .option('--config <file>', 'settings file; the environment is checked as well')
    .option('--dead-letter-topic <topic>', 'a topic that holds dead letters; may be repeated', collect)
    .option('--strict', 'warnings count as problems')
    .option('--json', 'print JSON')
    .addHelpText('after', help)
    .action(async (flags: ValidateFlags) => {
      const file = findStack(flags.stack, io.cwd)
      const { findings: ofConfig, ...checked } = await checkConfig(flags.config, io)
      const ofStack = await checkStack({ file, variables: io.env, ...checked, deadLetterTopics: flags.deadLetterTopic ?? [] })
      const findings = [...ofConfig, ...ofStack]
      const count = (severity: Finding['severity']): number => findings.filter((finding) => finding.severity === severity).length
      const ok = count('problem') === 0 && (flags.strict !== true || count('warning') === 0)
      if (flags.json === true) io.out(jsonText({ ok, stack: file, problems: count('problem'), warnings: count('warning'), findings }))
      else print(findings, count, io)
      exit(ok ? 0 : 1)
    })
}
