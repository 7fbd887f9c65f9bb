import type { AttemptRecord, DeadLetter } from '../../contract/dead-letter.ts'
import type { HeaderNaming } from '../../contract/event.ts'
import type { DeadLetterReason } from '../../contract/outcome.ts'
import { describeError, MillraceError } from '../errors.ts'
import { eventFromJson, eventToJson } from './event-codec.ts'
import { JsonFields, malformed } from './json-fields.ts'
import { deadLetterReasons, isDeadLetterReason } from './reasons.ts'

/** Version of the form below. A reader refuses a newer one. */
export const LETTER_VERSION = 1

const maxPrefix = 64
const maxReserved = 64
const maxName = 256

/** A letter that nobody could read again is worse than one that does not say how headers were named. */
const namingToJson = (naming: HeaderNaming | undefined): HeaderNaming | undefined => {
  if (naming === undefined) return undefined
  const { prefix, reserved } = naming
  const fits = prefix.length <= maxPrefix && reserved.length <= maxReserved && reserved.every((name) => name.length <= maxName)
  return fits ? { prefix, reserved } : undefined
}

/** A letter as one line of JSON, without a line feed. What a person looks for comes first, the event last. */
export const encodeLetter = (letter: DeadLetter): string =>
  JSON.stringify({
    letter: LETTER_VERSION,
    diedAt: letter.diedAt,
    letterId: letter.letterId,
    function: letter.function,
    reason: letter.reason,
    detail: letter.detail,
    attempts: letter.attempts,
    firstAttemptAt: letter.firstAttemptAt,
    lastAttemptAt: letter.lastAttemptAt,
    hops: letter.hops,
    intake: letter.intake,
    naming: namingToJson(letter.naming),
    history: letter.history.map(({ at, durationMs, status, error }) => ({ at, durationMs, status, error })),
    event: eventToJson(letter.event),
  })

const readAttempt = (value: unknown, index: number): AttemptRecord => {
  const fields = new JsonFields(value, `letter.history[${index}]`)
  return {
    at: fields.number('at'),
    durationMs: fields.number('durationMs'),
    ...fields.optional('status', (name) => fields.number(name)),
    ...fields.optional('error', (name) => fields.text(name)),
  }
}

const readNaming = (value: unknown): HeaderNaming => {
  const fields = new JsonFields(value, 'letter.naming')
  const [prefix, reserved] = [fields.text('prefix'), fields.list('reserved')]
  if (prefix.length > maxPrefix) throw fields.fail('prefix', `it may have at most ${maxPrefix} characters`)
  const names = reserved.filter((name): name is string => typeof name === 'string' && name.length <= maxName)
  if (names.length !== reserved.length || names.length > maxReserved)
    throw fields.fail('reserved', `it must be at most ${maxReserved} names`)
  return { prefix, reserved: names }
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new MillraceError('E_LETTER_MALFORMED', { where: 'letter', reason: `it is not JSON (${describeError(error, 100)})` }, error)
  }
}

const readReason = (fields: JsonFields): DeadLetterReason => {
  const reason = fields.text('reason')
  if (!isDeadLetterReason(reason)) throw fields.fail('reason', `it must be one of ${deadLetterReasons.join(', ')}`)
  return reason
}

/**
 * Reads what `encodeLetter` made. Fields it does not know are ignored.
 *
 * @throws MillraceError `E_LETTER_MALFORMED`, `E_LETTER_VERSION`
 */
export const decodeLetter = (text: string): DeadLetter => {
  const fields = new JsonFields(parse(text), 'letter')
  const version = fields.raw('letter')
  if (typeof version !== 'number') throw malformed('letter.letter', 'the version is missing')
  if (version !== LETTER_VERSION) throw new MillraceError('E_LETTER_VERSION', { where: 'letter', version, supported: LETTER_VERSION })
  const number = (name: string): number => fields.number(name)
  return {
    event: eventFromJson(fields.raw('event')),
    intake: fields.text('intake'),
    ...fields.optional('function', (name) => fields.text(name)),
    reason: readReason(fields),
    detail: fields.text('detail'),
    attempts: fields.count('attempts'),
    history: fields.list('history').map(readAttempt),
    ...fields.optional('firstAttemptAt', number),
    ...fields.optional('lastAttemptAt', number),
    diedAt: fields.number('diedAt'),
    hops: fields.count('hops'),
    ...fields.optional('letterId', (name) => fields.text(name)),
    ...fields.optional('naming', (name) => readNaming(fields.raw(name))),
  }
}
