import { boolean, choice, duration, integer, optionalSetting, setting, text } from '@millrace/sdk'
import type { Setting, SettingType } from '@millrace/sdk'
import { templateProblem } from './dead-letters/topic-template.ts'
import type { HeaderNames } from './dead-letters/letter-record.ts'

/** Where dead letters go. Times in milliseconds. */
export interface DeadLetterConfig {
  readonly deadLetters: 'topic' | 'none'
  readonly deadLetterTopic: string
  readonly deadLetterCreate: boolean
  readonly deadLetterReplication: number
  readonly deadLetterRetentionMs: number | undefined
  readonly deadLetterHeaders: HeaderNames
}

const plain = text({ maxLength: 200 })

/** A template that can only give legal names, and not every name. */
const template: SettingType<string> = {
  ...plain,
  allowed: 'letters, digits and ._-, with {topic}, {group} and {function}, and something of its own beside them',
  parse(raw) {
    const parsed = plain.parse(raw)
    const problem = parsed.ok ? templateProblem(parsed.value) : undefined
    return problem === undefined ? parsed : { ok: false, reason: problem }
  },
}

/** Settings of the dead-letter topics. */
export const deadLetterSettings: { readonly [K in keyof DeadLetterConfig]: Setting<DeadLetterConfig[K]> } = {
  deadLetters: setting({
    name: 'kafka_dead_letters',
    type: choice(['topic', 'none']),
    default: 'topic',
    describe:
      'Write dead letters to Kafka topics. With `none` they go to dead_letter_dir; without that an event that fails for good waits.',
    example: 'none',
  }),
  deadLetterTopic: setting({
    name: 'dead_letter_topic',
    type: template,
    default: '{topic}.dlq',
    describe: 'Topics of dead letters. Nothing of this connector ever consumes them.',
    example: '{topic}.{group}.dlq',
  }),
  deadLetterCreate: setting({
    name: 'dead_letter_create',
    type: boolean(),
    default: 'true',
    describe:
      'Create missing dead-letter topics, with as many partitions as the origin has. Without it a topic is not consumed before its dead-letter topic is there.',
    example: 'false',
  }),
  deadLetterReplication: setting({
    name: 'dead_letter_replication',
    type: integer(-1, 32_767),
    default: '-1',
    describe: 'Replication factor of created dead-letter topics; -1: what the broker does by default.',
    example: '3',
  }),
  deadLetterRetentionMs: optionalSetting({
    name: 'dead_letter_retention',
    type: duration('1m', '87600h'),
    describe: 'How long created dead-letter topics keep their letters. Absent: until a person deletes them.',
    example: '720h',
  }),
  deadLetterHeaders: setting({
    name: 'dead_letter_headers',
    type: choice(['millrace', 'connect', 'spring']),
    default: 'millrace',
    describe: 'Add the header names of Kafka Connect or of Spring to the millrace-* ones, for tools that know those.',
    example: 'spring',
  }),
}
