import { isMillraceError } from '@millrace/sdk'
import type { MillraceError } from '@millrace/sdk'
import type { BindingBook } from './binding-book.ts'
import { byId } from './binding-record.ts'
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

/** Binds many at once; all are waited for. @throws the first refusal */
const bindAll = async (scratch: ScratchChannel, queue: string, bindings: readonly Binding[]): Promise<void> => {
  for (let at = 0; at < bindings.length; at += batch) {
    const part = bindings.slice(at, at + batch)
    await scratch.run(async (channel) => {
      const results = await Promise.allSettled(
        part.map(({ exchange, routingKey, arguments: args }) => channel.bindQueue(queue, exchange, routingKey, args)),
      )
      for (const result of results) if (result.status === 'rejected') throw result.reason
    })
  }
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

/**
 * Binds a queue to what is wanted and then takes away what is not any more: at no moment is a message that either wants without a way in.
 *
 * @throws MillraceError when something wanted cannot be bound; nothing is unbound then
 */
export const applyBindings = async (
  scratch: ScratchChannel,
  wanted: WantedBindings,
  book: BindingBook,
  warn: (problem: MillraceError) => void,
): Promise<void> => {
  const { queue } = wanted
  const before = await book.known(queue)
  const next = byId(wanted.bindings)
  if (before.size === 0 && next.size === 0) return
  await book.add(queue, wanted.function, next)
  await bindAll(scratch, queue, [...next.values()])
  if (wanted.keep) return
  const gone = new Set<string>()
  for (const [id, binding] of before) if (!next.has(id) && (await unbind(scratch, queue, binding, warn))) gone.add(id)
  await book.remove(queue, wanted.function, gone)
}
