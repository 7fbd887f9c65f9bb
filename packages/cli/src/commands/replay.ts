import { resolve } from 'node:path'
import { describeError, parseGoDuration, printable, systemClock } from '@millrace/sdk'
import { wrongUsage } from '../failure.ts'
import type { CliIo } from '../io.ts'
import type { LetterPlace } from '../replay/letter-place.ts'
import { openLetterPlace } from '../replay/open-letter-place.ts'
import { planReplay, type ReplayPlan, selectLetters } from '../replay/plan.ts'
import { createProgress } from '../replay/progress.ts'
import { openReplayLog, type ReplayLog } from '../replay/replay-log.ts'
import { type ReplayOutcome, runReplay } from '../replay/run-replay.ts'
import type { Selection } from '../replay/selection.ts'
import { readSettings } from '../settings.ts'
import { untilSignal } from '../until-signal.ts'
import { type AddCommand, collect, jsonText } from './add-command.ts'

interface ReplayFlags {
  readonly gateway?: string
  readonly dryRun?: true
  readonly onlyFunction?: readonly string[]
  readonly since?: string
  readonly max?: string
  readonly rate?: string
  readonly concurrency: string
  readonly attempts: string
  readonly resume?: string
  readonly config?: string
  readonly json?: true
}

const help = `
Each letter goes to the function that failed and to no other, with the id and the headers of its event. What was delivered is recorded
durably (beside the letters, or where --resume says), so a second run does not repeat it; from a RabbitMQ queue it is then taken out. What
fails again stays a letter. A function that fails five times in a row is left for another time. A letter may be delivered twice if the
command is killed: functions that use X-Event-Id or Idempotency-Key notice.

Gateway credentials come from the settings of a connector (basic_auth, secret_mount_path); they go to /system/* only.

Exit codes: 0 everything that was selected is delivered, 1 something is not, 2 wrong usage.

Examples
  millrace replay .millrace/dead-letters --dry-run
  millrace replay .millrace/dead-letters --only-function mailer --rate 10/s
  millrace replay /backup/0000000001.jsonl --since 2h --max 100 --gateway http://127.0.0.1:31112
  millrace replay kafka://kafka:9092/orders.dlq --only-function mailer
  millrace replay rabbitmq://rabbitmq/orders.dlq --dry-run
  rabbitmq_url=amqps://me:secret@rabbitmq millrace replay rabbitmq:///orders.dlq`

const countOf = (flag: string, text: string, max: number): number => {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (count >= 1 && count <= max) return count
  throw wrongUsage('replay', `${flag} takes a whole number from 1 to ${max}`)
}

/** A duration before now, or a moment. */
const sinceOf = (text: string): number => {
  const age = parseGoDuration(text)
  if (age !== undefined && age > 0) return systemClock.now() - age
  const moment = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(moment)) throw wrongUsage('replay', '--since takes a duration such as 2h, or a time such as 2026-11-25T08:00:00Z')
  return moment
}

const rateOf = (text: string): number => {
  const [, number, unit] = /^(\d{1,6}(?:\.\d{1,3})?)\/([smh])$/.exec(text) ?? []
  const rate = Number(number) / ({ s: 1, m: 60, h: 3600 }[unit ?? ''] ?? Number.NaN)
  if (rate > 0) return rate
  throw wrongUsage('replay', '--rate takes a number per second, minute or hour, such as 10/s')
}

const selectionOf = ({ onlyFunction, since, max }: ReplayFlags): Selection => ({
  ...(onlyFunction !== undefined && { functions: new Set(onlyFunction) }),
  ...(since !== undefined && { sinceMs: sinceOf(since) }),
  ...(max !== undefined && { max: countOf('--max', max, 999_999_999) }),
})

const printPlan = ({ letters, selected, skipped, unreadable, groups }: ReplayPlan, io: CliIo): void => {
  io.out(`${letters} letters, ${selected} to deliver\n`)
  for (const { function: name, reason, count } of groups)
    io.out(`  ${String(count).padStart(6)}  ${printable(name, 130).padEnd(32)} ${reason}\n`)
  for (const [reason, count] of Object.entries(skipped)) io.out(`  ${String(count).padStart(6)}  left out: ${reason}\n`)
  if (unreadable > 0) io.out(`  ${String(unreadable).padStart(6)}  cannot be read and stay where they are\n`)
}

const printOutcome = ({ delivered, failed, left, failures }: ReplayOutcome, plan: ReplayPlan, io: CliIo): void => {
  for (const { event, function: name, reason, status } of failures.slice(0, 20)) {
    io.out(
      `  - ${printable(name, 130).padEnd(32)} ${printable(reason, 100)}${status === undefined ? '' : ` (status ${status})`}  ${printable(event, 100)}\n`,
    )
  }
  if (failures.length > 20) io.out(`  and ${failed - 20} more\n`)
  io.out(`${plan.selected} letters: ${delivered} delivered, ${failed} failed again, ${left} left for another time\n`)
}

const printRemoval = ({ removed }: Removal, io: CliIo): void => {
  if (removed !== undefined) io.out(`${removed} letters that were delivered are taken out of the queue\n`)
}

/** What became of delivered letters; empty where they stay. */
interface Removal {
  readonly removed?: number
}

/** Delivered letters need nothing more: what fails here is made good by the next replay. */
const removeDelivered = async (place: LetterPlace, log: ReplayLog, io: CliIo): Promise<Removal> => {
  if (place.removeDelivered === undefined) return {}
  try {
    return { removed: await place.removeDelivered((letter) => log.has(letter)) }
  } catch (error) {
    io.err(`letters that were delivered are still where they were, the next replay takes them out: ${describeError(error, 300)}\n`)
    return { removed: 0 }
  }
}

const run = async (place: LetterPlace, flags: ReplayFlags, selection: Selection, log: ReplayLog, io: CliIo): Promise<number> => {
  const { core, gatewayIsGiven } = await readSettings(flags, io)
  const numbers = { concurrency: countOf('--concurrency', flags.concurrency, 1000), attempts: countOf('--attempts', flags.attempts, 100) }
  const rate = flags.rate === undefined ? {} : { ratePerSecond: rateOf(flags.rate) }
  const plan = await planReplay(place, selection, log)
  if (flags.dryRun === true || plan.selected === 0) {
    const dryRun = flags.dryRun === true
    const removal = dryRun ? {} : await removeDelivered(place, log, io)
    if (flags.json === true) io.out(jsonText({ dryRun, ...plan, delivered: 0, failed: 0, left: 0, failures: [], ...removal }))
    else {
      printPlan(plan, io)
      printRemoval(removal, io)
    }
    return plan.unreadable > 0 ? 1 : 0
  }
  const progress = createProgress(plan.selected, io, () => systemClock.monotonic())
  // No more than was counted: a connector may write letters at the same time, and a replay has to end.
  const letters = selectLetters(place, { ...selection, max: plan.selected }, log)
  const { result: outcome, exitCode } = await untilSignal((signal) =>
    runReplay({
      // As faas-cli: the gateway of this machine unless somebody says otherwise.
      core: gatewayIsGiven ? core : { ...core, gatewayUrl: 'http://127.0.0.1:8080' },
      letters,
      log,
      ...numbers,
      ...rate,
      io,
      signal,
      onProgress: (counts) => progress.update(counts),
      note: (text) => progress.note(text),
    }),
  )
  progress.end()
  const removal = await removeDelivered(place, log, io)
  if (flags.json === true) io.out(jsonText({ dryRun: false, ...plan, ...outcome, ...removal }))
  else {
    printOutcome(outcome, plan, io)
    printRemoval(removal, io)
  }
  return exitCode ?? (outcome.failed + outcome.left + plan.unreadable > 0 ? 1 : 0)
}

/** `millrace replay FILE`: dead letters again, each to the function that failed. */
export const replayCommand: AddCommand = (program, io, exit) => {
  program
    .command('replay')
    .description('deliver dead letters again to the functions that failed')
    .argument('<path>', 'a file of dead letters, a directory of them, kafka://HOST:PORT/TOPIC, or rabbitmq://HOST:PORT/QUEUE')
    .option('--gateway <url>', 'the gateway (default: gateway_url, else http://127.0.0.1:8080)')
    .option('--dry-run', 'say what would be done')
    .option('--only-function <name>', 'letters of this function; may be repeated', collect)
    .option('--since <when>', 'letters written since then: a duration before now, or a time')
    .option('--max <n>', 'at most this many letters')
    .option('--rate <rate>', 'at most so many letters, e.g. 10/s')
    .option('--concurrency <n>', 'letters under way at once', '16')
    .option('--attempts <n>', 'calls of one letter, unless its function says otherwise', '3')
    .option(
      '--resume <dir>',
      'where it is recorded what was delivered (default: replayed/ beside the letters; for a topic or queue .millrace/replayed/NAME)',
    )
    .option('--config <file>', 'settings file')
    .option('--json', 'print JSON')
    .addHelpText('after', help)
    .action(async (given: string, flags: ReplayFlags) => {
      const place = await openLetterPlace(given, flags, io)
      const selection = selectionOf(flags)
      const directory = flags.resume === undefined ? place.logPath : resolve(io.cwd, flags.resume)
      const log = await openReplayLog(directory, flags.dryRun === true)
      try {
        exit(await run(place, flags, selection, log, io))
      } finally {
        await log.close()
      }
    })
}
