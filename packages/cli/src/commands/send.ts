import { httpSettings } from '@millrace/http-source'
import { loadConfig, MillraceError, nodeFileReader, parseGoDuration, printable } from '@millrace/sdk'
import { contentTypeOf, readData, readHeaders } from '../event-input.ts'
import { wrongUsage } from '../failure.ts'
import { ask, type HttpAnswer, httpUrl, parseJson } from '../http-json.ts'
import type { CliIo } from '../io.ts'
import { type AddCommand, collect, jsonText } from './add-command.ts'

interface SendFlags {
  readonly data?: string
  readonly file?: string
  readonly events: string
  readonly header?: readonly string[]
  readonly contentType?: string
  readonly wait?: true | string
  readonly id?: string
  readonly config?: string
  readonly json?: true
}

const help = `
Without --data and --file the event is read from standard input. The token is that of events_token (environment, file), if there is one.

Exit codes: 0 taken (with --wait: every function has it), 1 refused or a function failed, 2 wrong usage.

Examples
  millrace send orders.created --data '{"id":1}'
  millrace send orders.created --file order.json --wait 30s
  echo hello | millrace send greetings --header x-region=eu --id greeting-1`

/** The longest that `--wait` without a time may take; the source has a limit of its own. */
const longestWaitMs = 24 * 3_600_000
const advice = 'Check --events: millrace dev prints the URL as events=.'

interface Result {
  readonly function: string
  readonly outcome: string
  readonly status?: number
  readonly attempts: number
  readonly reason?: string
}

const good: ReadonlySet<string> = new Set(['done', 'accepted', 'filtered', 'deferred'])

const textOf = (value: unknown, name: string): string | undefined => {
  const found =
    typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined
  return typeof found === 'string' ? found : undefined
}

const resultsOf = (value: unknown): readonly Result[] | undefined =>
  typeof value === 'object' && value !== null && 'results' in value && Array.isArray(value.results)
    ? (value.results as Result[])
    : undefined

const targetOf = (topic: string, { events, wait }: SendFlags): URL => {
  const base = httpUrl(events)
  if (base === undefined) throw wrongUsage('send', '--events takes a URL such as http://127.0.0.1:8081/topics/')
  if (topic === '') throw wrongUsage('send', 'the topic is empty')
  const folder =
    base.pathname.endsWith('/topics') || base.pathname.endsWith('/topics/')
      ? base.pathname.replace(/\/$/, '')
      : `${base.pathname.replace(/\/$/, '')}/topics`
  const query = wait === undefined ? '' : `?wait=${wait === true ? 'true' : encodeURIComponent(wait)}`
  return new URL(`${base.origin}${folder}/${encodeURIComponent(topic)}${query}`)
}

const waitMsOf = ({ wait }: SendFlags): number => {
  if (wait === undefined) return 0
  const ms = wait === true ? longestWaitMs : parseGoDuration(wait)
  if (ms === undefined || ms <= 0)
    throw wrongUsage('send', `--wait takes a Go duration such as 30s, not ${JSON.stringify(String(wait).slice(0, 40))}`)
  return ms
}

const bodyOf = async (flags: SendFlags, io: CliIo): Promise<Uint8Array> => {
  if (flags.data !== undefined && flags.file !== undefined) throw wrongUsage('send', 'only one of --data and --file can be sent')
  if (flags.data !== undefined) return Buffer.from(flags.data)
  return readData(flags.file ?? '-', io.cwd, io.readInput)
}

const tokenOf = async (flags: SendFlags, io: CliIo): Promise<string | undefined> => {
  const argv = flags.config === undefined ? [] : [`--config=${flags.config}`]
  const { values } = await loadConfig({ http: httpSettings }, { argv, env: io.env, files: nodeFileReader })
  const secret = await values.http.eventsToken?.read()
  // Several stand there while they are exchanged; any of them is good.
  return secret?.reveal().split(',')[0]
}

const post = async (topic: string, flags: SendFlags, io: CliIo): Promise<HttpAnswer> => {
  const url = targetOf(topic, flags)
  const timeoutMs = waitMsOf(flags) + 30_000
  const headers = readHeaders('send', flags.header ?? [])
  const body = await bodyOf(flags, io)
  const token = await tokenOf(flags, io)
  const given = new Headers(headers.map(([name, value]): [string, string] => [name, String(value)]))
  if (flags.contentType !== undefined || !given.has('content-type')) given.set('content-type', flags.contentType ?? contentTypeOf(body))
  if (flags.id !== undefined) given.set('idempotency-key', JSON.stringify(flags.id))
  if (token !== undefined) given.set('authorization', `Bearer ${token}`)
  return ask({ url, method: 'POST', headers: Object.fromEntries(given), body, timeoutMs, advice })
}

const resultLine = ({ function: name, outcome, status, attempts, reason }: Result): string => {
  const how = [status === undefined ? undefined : `status ${status}`, `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`, reason]
  const mark = good.has(outcome) ? '+' : '-'
  return `  ${mark} ${printable(name, 130).padEnd(32)} ${printable(outcome, 40)} (${how.filter((part) => part !== undefined).join(', ')})\n`
}

const report = ({ status, text }: HttpAnswer, topic: string, flags: SendFlags, io: CliIo): number => {
  const answer = parseJson(text)
  const id = printable(textOf(answer, 'id') ?? '', 300)
  const results = resultsOf(answer)
  if (status === 202 && id !== '') {
    io.out(flags.json === true ? jsonText(answer) : `${id}\n`)
    return 0
  }
  if (status === 200 && results !== undefined) {
    if (flags.json === true) io.out(jsonText(answer))
    else
      io.out(
        `${id} ${results.length === 0 ? `no function wants ${printable(topic, 255)}` : `${results.length} ${results.length === 1 ? 'function' : 'functions'}`}\n${results.map(resultLine).join('')}`,
      )
    return results.every(({ outcome }) => good.has(outcome)) ? 0 : 1
  }
  if (flags.json === true) io.out(jsonText(answer ?? { status }))
  const detail = printable(
    [textOf(answer, 'title'), textOf(answer, 'detail')].filter((part) => part !== undefined).join('. ') || 'no event source answers there',
    500,
  )
  throw new MillraceError('E_CLI_ANSWER', {
    url: targetOf(topic, flags).origin,
    status,
    detail,
    advice: printable(textOf(answer, 'fix') ?? advice, 500),
  })
}

/** `millrace send TOPIC`: one event by HTTP. */
export const sendCommand: AddCommand = (program, io, exit) => {
  program
    .command('send')
    .description('send one event to the HTTP event source')
    .argument('<topic>')
    .option('--data <text>', 'the data of the event')
    .option('--file <file>', 'a file with the data; - is standard input')
    .option('--events <url>', 'where events are taken', 'http://127.0.0.1:8081/topics/')
    .option('--header <name=value>', 'a header; may be repeated', collect)
    .option('--content-type <type>', 'default: application/json for JSON, else text/plain')
    .option('--wait [duration]', 'wait for the results of the functions, e.g. 30s')
    .option('--id <id>', 'the id of the event: sent twice, it is the same event for an idempotent function')
    .option('--config <file>', 'settings file')
    .option('--json', 'print JSON')
    .addHelpText('after', help)
    .action(async (topic: string, flags: SendFlags) => {
      exit(report(await post(topic, flags, io), topic, flags, io))
    })
}
