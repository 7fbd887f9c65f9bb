import { readDevConfig } from '../dev/dev-settings.ts'
import { runDev } from '../dev/run-dev.ts'
import type { AddCommand } from './add-command.ts'

interface DevFlags {
  readonly stack?: string
  readonly gateway?: string
  readonly gatewayPort?: string
  readonly eventsPort?: string
  readonly adminPort?: string
  readonly host?: string
  readonly kafka?: string
  readonly rabbitmq?: string
  readonly faultPlan?: string
  readonly dataDir?: string
  readonly config?: string
  readonly json?: true
}

const help = `
Any setting of docs/configuration.md is a flag as well (--retry-attempts 3), a variable of the environment (retry_attempts=3), or a line of
the file that --config names. --print-config shows them all.

Examples
  millrace dev
  millrace dev --stack stack.yaml --gateway-port 0 --events-port 0 --admin-port 0
  millrace dev --gateway http://127.0.0.1:31112      the same connectors, with the functions of a real gateway
  millrace dev --kafka 127.0.0.1:9092                events of Kafka topics too
  millrace dev --rabbitmq amqp://127.0.0.1           messages of RabbitMQ queues too
  millrace dev --fault-plan faults.yaml              see what happens when functions or the gateway fail`

/** Flags that stand for a setting of another name come first, so that everything else is passed on as it was written. */
const toArguments = (flags: DevFlags, rest: readonly string[]): string[] => {
  const pairs: readonly (readonly [string, string | undefined])[] = [
    ['config', flags.config],
    ['stack-file', flags.stack],
    ['gateway-url', flags.gateway],
    ['gateway-host', flags.host],
    ['events-host', flags.host],
    ['admin-host', flags.host],
    ['gateway-port', flags.gatewayPort],
    ['events-port', flags.eventsPort],
    ['admin-port', flags.adminPort],
    ['broker-hosts', flags.kafka],
    ['rabbitmq-url', flags.rabbitmq],
    ['fault-plan', flags.faultPlan],
    ['data-dir', flags.dataDir],
    ['output', flags.json === true ? 'json' : undefined],
  ]
  return [...pairs.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${value}`])), ...rest]
}

/** `millrace dev`: what `npm start` runs. */
export const devCommand: AddCommand = (program, io, exit) => {
  program
    .command('dev')
    .description('a gateway with functions, the HTTP event source and the cron connector in one process')
    .option('--stack <file>', 'stack file of faas-cli (default: stack.yaml here, else examples/stack.yaml)')
    .option('--gateway <url>', 'use this gateway instead of the embedded one')
    .option('--gateway-port <port>', 'port of the embedded gateway, 0 for any free one (default: 8080)')
    .option('--events-port <port>', 'port that takes events (default: 8081)')
    .option('--admin-port <port>', 'port of metrics and probes (default: 8082)')
    .option('--kafka <brokers>', 'HOST:PORT of Kafka brokers: their topics too')
    .option('--rabbitmq <url>', 'amqp://HOST:PORT/VHOST of a RabbitMQ broker: its queues too')
    .option('--host <address>', 'where all three listen (default: 127.0.0.1)')
    .option('--fault-plan <file>', 'answer some calls wrongly, to see what happens')
    .option('--data-dir <dir>', 'where state, accepted events and dead letters are kept (default: .millrace)')
    .option('--config <file>', 'settings file')
    .option('--json', 'one JSON object a line')
    .allowUnknownOption()
    .allowExcessArguments()
    .addHelpText('after', help)
    .action(async (flags: DevFlags, command: { readonly args: readonly string[] }) => {
      const config = await readDevConfig(toArguments(flags, command.args), io)
      if (config.printed === undefined) exit(await runDev(config, io))
      else io.out(config.printed)
    })
}
