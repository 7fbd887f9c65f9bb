import { Command, CommanderError } from 'commander'
import { describeError, isMillraceError } from '@millrace/sdk'
import { devCommand } from './commands/dev.ts'
import { doctorCommand } from './commands/doctor.ts'
import { explainCommand } from './commands/explain.ts'
import { replayCommand } from './commands/replay.ts'
import { sendCommand } from './commands/send.ts'
import { validateCommand } from './commands/validate.ts'
import { exitCodeOf, hintFor } from './failure.ts'
import type { CliIo } from './io.ts'
import { version } from './version.ts'

const examples = `
Examples
  millrace dev                                  a gateway with functions, and connectors that send events to them
  millrace send orders.created --data '{"id":1}' --wait
  millrace explain orders.created               which functions get this topic, and why others do not
  millrace validate --strict                    check stack file and configuration, offline
  millrace doctor --rabbitmq amqp://127.0.0.1   what the RabbitMQ connector would find at its broker
  millrace replay .millrace/dead-letters        deliver dead letters again to the functions that failed

Exit codes: 0 success, 1 failure or problems found, 2 wrong usage or configuration.`

/**
 * Runs one command line.
 *
 * @param argv without the program: `process.argv.slice(2)`
 * @returns the exit code; never throws
 */
export const runCli = async (argv: readonly string[], io: CliIo): Promise<number> => {
  let code = 0
  const program = new Command('millrace')
    .description('Event connectors for OpenFaaS: try them, check them, ask them, send events, replay dead letters.')
    .version(version, '--version', 'print the version')
    .helpCommand(false)
    .addHelpText('after', examples)
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: io.err })
  const commands = [devCommand, validateCommand, explainCommand, doctorCommand, sendCommand, replayCommand]
  for (const add of commands) {
    add(program, io, (exitCode) => {
      code = exitCode
    })
  }
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return code
  } catch (error) {
    // Commander has printed its own already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    io.err(`${isMillraceError(error) ? error.explain() : describeError(error)}\n${hintFor(error)}`)
    return exitCodeOf(error)
  }
}
