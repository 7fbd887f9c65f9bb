import { isMillraceError, MillraceError } from '@millrace/sdk'
import type { ErrorCode } from '@millrace/sdk'
import type { QueueState } from '../transport/transport.ts'
import { exchangeCommand, queueCommand } from './declare-command.ts'
import type { ExchangeDeclaration, QueueDeclaration } from './plan.ts'
import type { ScratchChannel } from './scratch-channel.ts'

/** What became of a declaration. */
export interface Declared {
  readonly state: QueueState
  /** The broker has said that it is there with these arguments; otherwise it may have others. */
  readonly asDeclared?: boolean
  /** It was there with other arguments: `E_RABBITMQ_DRIFT`. */
  readonly drift?: MillraceError
}

/** Whose it is, for the messages. */
export interface DeclarePlace {
  readonly vhost: string
  /** What it means for events when it is missing and cannot be declared: a sentence without its full stop. */
  readonly consequence: string
}

const is = (error: unknown, ...codes: readonly ErrorCode[]): error is MillraceError => isMillraceError(error) && codes.includes(error.code)

const reasonOf = (error: MillraceError): string => String(error.context['reason'] ?? error.message)

/** `E_RABBITMQ_NOT_DECLARED`: it is not there, and the way to get it. */
const notDeclared = (kind: string, name: string, command: string, place: DeclarePlace, cause?: unknown): MillraceError => {
  const reason = isMillraceError(cause) ? reasonOf(cause) : 'rabbitmq_declare is false'
  return new MillraceError('E_RABBITMQ_NOT_DECLARED', { kind, name, command, reason, consequence: place.consequence }, cause)
}

const drifted = (kind: string, name: string, place: DeclarePlace, cause: MillraceError): MillraceError =>
  new MillraceError('E_RABBITMQ_DRIFT', { kind, name, vhost: place.vhost, reason: reasonOf(cause) }, cause)

const assertQueue = async (scratch: ScratchChannel, wanted: QueueDeclaration, place: DeclarePlace): Promise<Declared> => {
  const { queue } = wanted
  try {
    return { state: await scratch.run((channel) => channel.assertQueue(queue, wanted)), asDeclared: true }
  } catch (error) {
    if (!is(error, 'E_RABBITMQ_PRECONDITION', 'E_RABBITMQ_DENIED')) throw error
    const refused = error
    try {
      const state = await scratch.run((channel) => channel.checkQueue(queue))
      // Without the right to declare there is nothing to be done about the arguments, and the broker does not say whether they differ.
      return is(refused, 'E_RABBITMQ_DENIED') ? { state } : { state, drift: drifted('queue', queue, place, refused) }
    } catch (missing) {
      if (!is(missing, 'E_RABBITMQ_QUEUE_MISSING')) throw missing
      // Refused for what it asks, not for what is there: the broker does not know an argument, or forbids it.
      if (is(refused, 'E_RABBITMQ_PRECONDITION')) throw refused
      throw notDeclared('queue', queue, queueCommand(place.vhost, wanted), place, refused)
    }
  }
}

/**
 * Declares a queue, or makes sure that it is there.
 *
 * @throws MillraceError `E_RABBITMQ_NOT_DECLARED` when it is missing and must not or may not be declared
 */
export const declareQueue = async (scratch: ScratchChannel, wanted: QueueDeclaration, place: DeclarePlace): Promise<Declared> => {
  if (wanted.how === 'declare') return assertQueue(scratch, wanted, place)
  try {
    return { state: await scratch.run((channel) => channel.checkQueue(wanted.queue)) }
  } catch (error) {
    if (!is(error, 'E_RABBITMQ_QUEUE_MISSING')) throw error
    if (wanted.how === 'when-missing') return assertQueue(scratch, wanted, place)
    throw notDeclared('queue', wanted.queue, queueCommand(place.vhost, wanted), place)
  }
}

const checkExchange = async (scratch: ScratchChannel, wanted: ExchangeDeclaration, place: DeclarePlace, cause?: unknown): Promise<void> => {
  try {
    await scratch.run((channel) => channel.checkExchange(wanted.exchange))
  } catch (error) {
    if (!is(error, 'E_RABBITMQ_EXCHANGE_MISSING')) throw error
    if (is(cause, 'E_RABBITMQ_PRECONDITION')) throw cause
    const why =
      cause ?? new MillraceError('E_RABBITMQ_EXCHANGE_MISSING', { reason: 'nobody has said its type, or rabbitmq_declare is false' })
    throw notDeclared('exchange', wanted.exchange, exchangeCommand(place.vhost, wanted), place, why)
  }
}

/**
 * Declares an exchange, or makes sure that it is there.
 *
 * @returns the drift, when it is there with another type or other flags
 * @throws MillraceError `E_RABBITMQ_NOT_DECLARED`
 */
export const declareExchange = async (
  scratch: ScratchChannel,
  wanted: ExchangeDeclaration,
  place: DeclarePlace,
): Promise<MillraceError | undefined> => {
  if (wanted.passive) {
    await checkExchange(scratch, wanted, place)
    return undefined
  }
  try {
    await scratch.run((channel) => channel.assertExchange(wanted.exchange, wanted.type, wanted))
    return undefined
  } catch (error) {
    if (!is(error, 'E_RABBITMQ_PRECONDITION', 'E_RABBITMQ_DENIED')) throw error
    await checkExchange(scratch, wanted, place, error)
    return is(error, 'E_RABBITMQ_DENIED') ? undefined : drifted('exchange', wanted.exchange, place, error)
  }
}
