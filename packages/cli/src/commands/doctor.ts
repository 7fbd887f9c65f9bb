import { readStack } from '@millrace/dev-gateway'
import { connectionOf, examineRabbitmq, rabbitmqSettings, topologyOf } from '@millrace/rabbitmq-connector'
import type { Examination, Examined, RabbitmqConfig } from '@millrace/rabbitmq-connector'
import { coreSettings, loadConfig, nodeFileReader, openSession, printable, silentLogger } from '@millrace/sdk'
import type { CoreConfig, FunctionDeclaration, Source } from '@millrace/sdk'
import { wrongUsage } from '../failure.ts'
import { openGateway, startOrFail } from '../gateway-session.ts'
import type { CliIo } from '../io.ts'
import { settingArguments } from '../settings.ts'
import { findStack } from '../stack/find-stack.ts'
import { offlineMap } from '../stack/offline-map.ts'
import { type AddCommand, jsonText } from './add-command.ts'

interface DoctorFlags {
  readonly rabbitmq?: string
  readonly stack?: string
  readonly gateway?: string
  readonly config?: string
  readonly json?: true
}

const help = `
Connects as the RabbitMQ connector would, with its settings, and looks at every exchange and queue that the functions want: whether it is
there, whether the user may ask for it, and whether its arguments are those that it would be declared with. Nothing is declared, bound or
consumed. Bindings cannot be listed over AMQP: rabbitmqctl list_bindings shows them.

Without --stack and --gateway the gateway that gateway_url names is asked, else the stack file of this folder is read.

Exit codes: 0 nothing wrong, 1 problems, 2 wrong usage or settings.

Examples
  millrace doctor --rabbitmq amqp://127.0.0.1 --stack stack.yaml
  rabbitmq_url=amqps://me:secret@rabbitmq millrace doctor --gateway http://127.0.0.1:31112`

/** The functions that a gateway lists. */
const listed = async (core: CoreConfig, io: CliIo): Promise<readonly FunctionDeclaration[]> => {
  let functions: readonly FunctionDeclaration[] = []
  const source: Source = {
    name: 'cli',
    replay: 'broker',
    connect: (context) => {
      functions = context.functions.snapshot()
      return Promise.resolve(openSession())
    },
  }
  const session = await openGateway(core, source, io)
  try {
    await startOrFail(session, core.gatewayUrl)
    return functions
  } finally {
    await session.host.kill()
  }
}

const read = async (
  flags: DoctorFlags,
  io: CliIo,
): Promise<{ readonly core: CoreConfig; readonly rabbitmq: RabbitmqConfig; readonly gatewayIsGiven: boolean }> => {
  const argv = [...settingArguments(flags), ...(flags.rabbitmq === undefined ? [] : [`--rabbitmq-url=${flags.rabbitmq}`])]
  const components = { core: coreSettings, rabbitmq: rabbitmqSettings }
  const { values, entries } = await loadConfig(components, { argv, env: io.env, files: nodeFileReader })
  return { ...values, gatewayIsGiven: entries.find(({ name }) => name === 'gateway_url')?.origin !== 'default' }
}

const marks: Readonly<Record<Examined['status'], string>> = { good: '+', 'to-declare': '~', drift: '!', problem: '-' }

const print = ({ brokers, serverVersion, problems, found }: Examination, io: CliIo): void => {
  io.out(`RabbitMQ ${printable(serverVersion, 40)} at ${brokers}\n`)
  for (const { function: name, annotation, reason } of problems)
    io.out(`  - ${printable(name, 130)}: annotation ${printable(annotation, 80)}: ${printable(reason, 300)}\n`)
  for (const { kind, name, status, detail, fix } of found) {
    io.out(`  ${marks[status]} ${kind.padEnd(8)} ${printable(name, 255).padEnd(40)} ${printable(detail, 600)}\n`)
    if (fix !== undefined) io.out(`      fix  ${printable(fix, 600)}\n`)
  }
  const count = (status: Examined['status']): number => found.filter((each) => each.status === status).length
  const wrong = count('problem') + problems.length
  io.out(
    `${count('good')} good, ${count('to-declare')} to be declared, ${count('drift')} with other arguments, ${wrong} ${wrong === 1 ? 'problem' : 'problems'}\n`,
  )
}

/** `millrace doctor`: what the RabbitMQ connector would find at its broker. */
export const doctorCommand: AddCommand = (program, io, exit) => {
  program
    .command('doctor')
    .description('what the RabbitMQ connector would find: exchanges, queues, rights, other arguments; changes nothing')
    .option('--rabbitmq <url>', 'amqp://HOST:PORT/VHOST (default: rabbitmq_url)')
    .option('--stack <file>', 'the functions of a stack file')
    .option('--gateway <url>', 'the functions of a gateway')
    .option('--config <file>', 'settings file')
    .option('--json', 'print JSON')
    .addHelpText('after', help)
    .action(async (flags: DoctorFlags) => {
      if (flags.stack !== undefined && flags.gateway !== undefined)
        throw wrongUsage('doctor', 'only one of --stack and --gateway can be asked')
      const { core, rabbitmq, gatewayIsGiven } = await read(flags, io)
      const functions =
        flags.stack === undefined && gatewayIsGiven
          ? await listed(core, io)
          : [
              ...offlineMap(readStack(findStack(flags.stack, io.cwd), io.env), core)
                .declarations()
                .values(),
            ]
      const examination = await examineRabbitmq({
        connection: connectionOf(rabbitmq),
        topology: topologyOf(rabbitmq),
        functions,
        logger: silentLogger,
      })
      if (flags.json === true) io.out(jsonText(examination))
      else print(examination, io)
      const isWrong = examination.problems.length > 0 || examination.found.some(({ status }) => status === 'problem')
      exit(isWrong ? 1 : 0)
    })
}
