import { isMillraceError } from '@millrace/sdk'
import type { ErrorCode, MillraceError } from '@millrace/sdk'
import type { BindingBook } from './binding-book.ts'
import { byId } from './binding-record.ts'
import type { AmqpChannel } from '../transport/transport.ts'
import type { Binding } from './plan.ts'
import type { ScratchChannel } from './scratch-channel.ts'

/** What a queue is to be bound to. */
export interface WantedBindings {
  readonly queue: string
  readonly function?: string
  readonly bindings: readonly Binding[]
  /** What was bound before stays bound. */
  readonly keep: boolean
}

/** Requests on one channel at a time: enough to hide the round trip. */
const batch = 64

/** What a broker says of one binding, or of the exchange that it names; everything else is trouble with the link. */
const refusals: ReadonlySet<ErrorCode> = new Set([
  'E_RABBITMQ_DENIED',
  'E_RABBITMQ_EXCHANGE_MISSING',
  'E_RABBITMQ_NOT_DECLARED',
  'E_RABBITMQ_PRECONDITION',
])

export const isRefusal = (error: unknown): error is MillraceError => isMillraceError(error) && refusals.has(error.code)

const bind = (channel: AmqpChannel, queue: string, { exchange, routingKey, arguments: args }: Binding): Promise<void> =>
  channel.bindQueue(queue, exchange, routingKey, args)

/** A refusal ends the channel for all that are on it, so that only one that is asked for alone is known to be refused. */
const bindEach = async (
  scratch: ScratchChannel,
  queue: string,
  wanted: ReadonlyMap<string, Binding>,
): Promise<Map<string, MillraceError>> => {
  const refused = new Map<string, MillraceError>()
  for (const [id, binding] of wanted) {
    try {
      await scratch.run((channel) => bind(channel, queue, binding))
    } catch (error) {
      if (!isRefusal(error)) throw error
      refused.set(id, error)
    }
  }
  return refused
}

/** Binds many at once. @returns those that are refused, by id @throws when the link or the queue has trouble */
const bindAll = async (
  scratch: ScratchChannel,
  queue: string,
  wanted: ReadonlyMap<string, Binding>,
): Promise<Map<string, MillraceError>> => {
  const refused = new Map<string, MillraceError>()
  const all = [...wanted]
  for (let at = 0; at < all.length; at += batch) {
    const part = all.slice(at, at + batch)
    try {
      await scratch.run(async (channel) => {
        const results = await Promise.allSettled(part.map(([, binding]) => bind(channel, queue, binding)))
        for (const result of results) if (result.status === 'rejected') throw result.reason
      })
    } catch (error) {
      if (!isRefusal(error)) throw error
      for (const [id, problem] of await bindEach(scratch, queue, new Map(part))) refused.set(id, problem)
    }
  }
  return refused
}

/** @returns true when the binding is gone, also because its exchange or queue is */
export const unbind = async (
  scratch: ScratchChannel,
  queue: string,
  binding: Binding,
  warn: (problem: MillraceError) => void,
): Promise<boolean> => {
  const { exchange, routingKey, arguments: args } = binding
  try {
    await scratch.run((channel) => channel.unbindQueue(queue, exchange, routingKey, args))
    return true
  } catch (error) {
    if (!isMillraceError(error)) throw error
    if (error.code === 'E_RABBITMQ_EXCHANGE_MISSING' || error.code === 'E_RABBITMQ_QUEUE_MISSING') return true
    if (error.code !== 'E_RABBITMQ_DENIED') throw error
    warn(error)
    return false
  }
}

/** What became of the bindings of a queue. */
export interface AppliedBindings {
  /** Wanted ones that the broker does not make, by id. */
  readonly refused: ReadonlyMap<string, MillraceError>
  /** Something leads to the queue, as far as is known. */
  readonly anyStands: boolean
}

/**
 * Binds a queue to what is wanted and then takes away what is not any more: at no moment is a message that either wants without a way in.
 * One that is refused keeps none of the others from being made; nothing is unbound before it can be made.
 *
 * @param missing exchanges that are not there, so that they are not asked for
 * @throws MillraceError when the queue or the link has trouble
 */
export const applyBindings = async (
  scratch: ScratchChannel,
  wanted: WantedBindings,
  book: BindingBook,
  warn: (problem: MillraceError) => void,
  missing: ReadonlyMap<string, MillraceError> = new Map(),
): Promise<AppliedBindings> => {
  const { queue } = wanted
  const before = await book.known(queue)
  const next = byId(wanted.bindings)
  if (before.size === 0 && next.size === 0) return { refused: new Map(), anyStands: false }
  await book.add(queue, wanted.function, next)
  const asked = new Map([...next].filter(([, { exchange }]) => !missing.has(exchange)))
  const refused = await bindAll(scratch, queue, asked)
  for (const [id, { exchange }] of next) {
    const problem = missing.get(exchange)
    if (problem !== undefined) refused.set(id, problem)
  }
  const stands = { refused, anyStands: [...before.keys(), ...next.keys()].some((id) => !refused.has(id)) }
  if (wanted.keep || refused.size > 0) return stands
  const gone = new Set<string>()
  for (const [id, binding] of before) if (!next.has(id) && (await unbind(scratch, queue, binding, warn))) gone.add(id)
  await book.remove(queue, wanted.function, gone)
  return stands
}
