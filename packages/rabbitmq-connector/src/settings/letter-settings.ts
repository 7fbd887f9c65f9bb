import { boolean, choice, formatDuration, parseGoDuration, setting, text } from '@millrace/sdk'
import type { Parsed, RawValue, Setting, SettingType } from '@millrace/sdk'
import { letterTemplateProblem } from '../topology/names.ts'

/** Delayed retries and dead letters. Times in milliseconds. */
export interface LetterConfig {
  /** From the shortest; empty: every retry waits in the process. */
  readonly retryDelaysMs: readonly number[]
  readonly nativeRetry: boolean
  readonly deadLetters: 'queue' | 'none'
  readonly deadLetterQueue: string
}

const maxTiers = 16
const shortestMs = 1000
const longestMs = 7 * 24 * 3_600_000

const readDelays = (raw: RawValue): Parsed<readonly number[]> => {
  const parts = (typeof raw === 'string' ? raw.split(',') : raw).map((part) => part.trim()).filter((part) => part !== '')
  if (parts.length === 1 && parts[0] === 'none') return { ok: true, value: [] }
  if (parts.length === 0) return { ok: false, reason: 'it is empty; write none for no delay queues' }
  if (parts.length > maxTiers) return { ok: false, reason: `it has ${parts.length} waits, at most ${maxTiers} are allowed` }
  const delays: number[] = []
  for (const [index, part] of parts.entries()) {
    const ms = parseGoDuration(part)
    if (ms === undefined || ms < shortestMs || ms > longestMs || !Number.isInteger(ms))
      return {
        ok: false,
        reason: `item ${index + 1} is not a Go duration from ${formatDuration(shortestMs)} to ${formatDuration(longestMs)}`,
      }
    if (ms <= (delays.at(-1) ?? 0)) return { ok: false, reason: `item ${index + 1} is not longer than the one before it` }
    delays.push(ms)
  }
  return { ok: true, value: delays }
}

const delays: SettingType<readonly number[]> = {
  kind: 'list',
  allowed: `a comma list of at most ${maxTiers} Go durations from 1s to 168h, rising, or none`,
  parse: readDelays,
}

const plain = text({ maxLength: 200 })

const template: SettingType<string> = {
  ...plain,
  allowed: 'a name of a queue, with {queue} where each queue gets one of its own, and characters beside it',
  parse(raw) {
    const parsed = plain.parse(raw)
    const problem = parsed.ok ? letterTemplateProblem(parsed.value) : undefined
    return problem === undefined ? parsed : { ok: false, reason: problem }
  },
}

/** Settings of delay queues and dead-letter queues. */
export const letterSettings: { readonly [K in keyof LetterConfig]: Setting<LetterConfig[K]> } = {
  retryDelaysMs: setting({
    name: 'rabbitmq_retry_delays',
    type: delays,
    default: '5s,30s,5m,30m',
    describe:
      'Delay queues: a retry that has to wait as long as the shortest, or longer, waits in the first one that is not shorter than its wait, and not in this process. With none all waits are in the process, where they hold a place of prefetch.',
    example: '5s,1m,10m',
  }),
  nativeRetry: setting({
    name: 'rabbitmq_native_retry',
    type: boolean(),
    default: 'false',
    describe:
      'From RabbitMQ 4.3: the queue of one function, declared by this connector, gives a failed message back itself after a wait that grows by the second of rabbitmq_retry_delays, instead of a copy in a delay queue. Delay queues stay for what that cannot do. Unverified: no 4.3 server could be run.',
    example: 'true',
  }),
  deadLetters: setting({
    name: 'rabbitmq_dead_letters',
    type: choice(['queue', 'none']),
    default: 'queue',
    describe:
      'Write dead letters to RabbitMQ queues. With none they go to dead_letter_dir; without that an event that fails for good waits.',
    example: 'none',
  }),
  deadLetterQueue: setting({
    name: 'dead_letter_queue',
    type: template,
    default: '{queue}.dlq',
    describe: 'Queues of dead letters; the same name for all without {queue}. Nothing of this connector ever consumes them.',
    example: 'failed.{queue}',
  }),
}
