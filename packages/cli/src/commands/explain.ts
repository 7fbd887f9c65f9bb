import { readStack } from '@millrace/dev-gateway'
import { MillraceError, printable } from '@millrace/sdk'
import type { Explanation, MillraceEvent } from '@millrace/sdk'
import { contentTypeOf, readData, readHeaders } from '../event-input.ts'
import { wrongUsage } from '../failure.ts'
import { idleSource, openGateway, startOrFail } from '../gateway-session.ts'
import { ask, httpUrl, parseJson } from '../http-json.ts'
import type { CliIo } from '../io.ts'
import { readSettings } from '../settings.ts'
import { findStack } from '../stack/find-stack.ts'
import { offlineMap } from '../stack/offline-map.ts'
import { type AddCommand, collect, jsonText } from './add-command.ts'

interface ExplainFlags {
  readonly gateway?: string
  readonly stack?: string
  readonly admin?: string
  readonly config?: string
  readonly header?: readonly string[]
  readonly data?: string
  readonly json?: true
}

const help = `
Without --stack, --gateway and --admin the gateway that gateway_url names is asked, else the stack file of this folder is read.
With --header or --data filters are asked too.

Exit codes: 0 a function gets the topic, 1 none does, 2 wrong usage.

Examples
  millrace explain orders.created
  millrace explain orders.created --header x-region=eu --data order.json
  millrace explain orders.created --gateway http://127.0.0.1:31112
  millrace explain orders.created --admin http://127.0.0.1:8082     as the running connector sees it`

const eventOf = async (topic: string, flags: ExplainFlags, io: CliIo): Promise<MillraceEvent | undefined> => {
  if (flags.header === undefined && flags.data === undefined) return undefined
  const data = flags.data === undefined ? new Uint8Array() : await readData(flags.data, io.cwd, io.readInput)
  const headers = readHeaders('explain', flags.header ?? [])
  const contentType = headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1]
  return {
    id: 'explain',
    source: `/topics/${encodeURIComponent(topic)}`,
    type: 'com.openfaas.http.request',
    topic,
    data,
    headers,
    contentType: typeof contentType === 'string' ? contentType : contentTypeOf(data),
  }
}

const isExplanation = (value: unknown): value is Explanation =>
  typeof value === 'object' &&
  value !== null &&
  'matches' in value &&
  Array.isArray(value.matches) &&
  'nearMisses' in value &&
  Array.isArray(value.nearMisses)

const askAdmin = async (topic: string, admin: string): Promise<Explanation> => {
  const url = httpUrl(admin)
  if (url === undefined) throw wrongUsage('explain', '--admin takes a URL such as http://127.0.0.1:8082')
  const target = new URL(`${url.href.replace(/\/+$/, '')}/explain?topic=${encodeURIComponent(topic)}`)
  const advice = 'Check --admin: millrace dev prints the URL as admin=, a connector logs it when it starts.'
  const { status, text } = await ask({ url: target, timeoutMs: 10_000, advice })
  const answer = parseJson(text)
  if (status === 200 && isExplanation(answer)) return answer
  throw new MillraceError('E_CLI_ANSWER', { url: url.origin, status, detail: 'that is no explanation', advice })
}

const explain = async (topic: string, flags: ExplainFlags, io: CliIo): Promise<Explanation> => {
  if (flags.admin !== undefined) return askAdmin(topic, flags.admin)
  const event = await eventOf(topic, flags, io)
  const { core, gatewayIsGiven } = await readSettings(flags, io)
  if (flags.stack !== undefined || !gatewayIsGiven) {
    return offlineMap(readStack(findStack(flags.stack, io.cwd), io.env), core).explain(topic, event)
  }
  const session = await openGateway(core, idleSource, io)
  try {
    await startOrFail(session, core.gatewayUrl)
    return session.connector.explain(topic, event)
  } finally {
    await session.host.kill()
  }
}

const print = ({ topic, matches, nearMisses }: Explanation, io: CliIo): void => {
  const shown = printable(topic, 255)
  if (matches.length === 0) io.out(`No function gets ${shown}.\n`)
  else io.out(`${matches.length} ${matches.length === 1 ? 'function gets' : 'functions get'} ${shown}:\n`)
  for (const { function: name, via } of matches) io.out(`  + ${printable(name, 130).padEnd(32)} by ${printable(via, 255)}\n`)
  if (nearMisses.length > 0) io.out('Nearly:\n')
  for (const { function: name, code, reason } of nearMisses) {
    io.out(`  - ${printable(name, 130).padEnd(32)} ${code}: ${printable(reason, 300)}\n`)
  }
}

const check = (flags: ExplainFlags): void => {
  if ([flags.gateway, flags.stack, flags.admin].filter((flag) => flag !== undefined).length > 1) {
    throw wrongUsage('explain', 'only one of --gateway, --stack and --admin can be asked')
  }
  if (flags.admin !== undefined && (flags.header !== undefined || flags.data !== undefined)) {
    throw wrongUsage('explain', 'a running connector is asked for the topic alone; --header and --data go with --stack or --gateway')
  }
}

/** `millrace explain TOPIC`: which functions get it, and why those that nearly do get it not. */
export const explainCommand: AddCommand = (program, io, exit) => {
  program
    .command('explain')
    .description('which functions get a topic, and why others do not')
    .argument('<topic>')
    .option('--stack <file>', 'read a stack file, offline')
    .option('--gateway <url>', 'ask a gateway for its functions')
    .option('--admin <url>', 'ask a running connector')
    .option('--header <name=value>', 'a header of the event, for filters; may be repeated', collect)
    .option('--data <file>', 'the data of the event, for filters; - is standard input')
    .option('--config <file>', 'settings file')
    .option('--json', 'print JSON')
    .addHelpText('after', help)
    .action(async (topic: string, flags: ExplainFlags) => {
      check(flags)
      const explanation = await explain(topic, flags, io)
      if (flags.json === true) io.out(jsonText(explanation))
      else print(explanation, io)
      exit(explanation.matches.length > 0 ? 0 : 1)
    })
}
