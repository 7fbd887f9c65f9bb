import { createHash } from 'node:crypto'
import { formatDuration } from '@millrace/sdk'
import type { FunctionDeclaration } from '@millrace/sdk'

/** AMQP 0-9-1 short strings: names of queues and exchanges, routing keys. */
export const maxNameBytes = 255

/** Before every name of our own. Nobody else's queue is taken by such a name. */
export const ownPrefix = 'faas.'

const hashLength = 16

/** Bytes of UTF-8. */
export const byteLength = (text: string): number => Buffer.byteLength(text, 'utf8')

const cut = (text: string, bytes: number): string => {
  let kept = ''
  let size = 0
  for (const character of text) {
    size += byteLength(character)
    if (size > bytes) return kept
    kept += character
  }
  return kept
}

/** `before + name + after`; where that has more than 255 bytes the name is cut and gets a hash of the whole one, so that two stay two. */
const bounded = (before: string, name: string, after: string): string => {
  const whole = `${before}${name}${after}`
  if (byteLength(whole) <= maxNameBytes) return whole
  const room = maxNameBytes - byteLength(before) - byteLength(after) - hashLength - 1
  const hash = createHash('sha256').update(name).digest('hex').slice(0, hashLength)
  return `${before}${cut(name, room)}~${hash}${after}`
}

/** Names that begin with `amq.` are the broker's: it lets nobody declare one, so what belongs to such a queue is called otherwise. */
const ownable = (queue: string): string => (queue.startsWith('amq.') ? `${ownPrefix}queue:${queue}` : queue)

/**
 * The queue of one function, `faas.<namespace>.<name>`. Neither part may hold a dot, so no two functions share one, and nothing that
 * belongs to one (`….retry.5s`, `….dlq`) is the queue of another.
 */
export const functionQueue = (declared: Pick<FunctionDeclaration, 'name' | 'namespace'>, defaultNamespace: string): string =>
  `${ownPrefix}${declared.namespace ?? defaultNamespace}.${declared.name}`

/** The queue that all functions share in `exchange` mode. A colon is in no namespace: it is never the queue of a function. */
export const sharedQueue = (exchange: string): string => bounded(`${ownPrefix}exchange:`, exchange, '')

/** The delay queue of a work queue, e.g. `orders.retry.5s`. The delay is in the name, since arguments of a queue never change. */
export const tierQueue = (queue: string, delayMs: number): string => bounded('', ownable(queue), `.retry.${formatDuration(delayMs)}`)

/** What Templum/rabbitmq-connector calls its queues (e5c2ac3, openfaas.md 1.7). */
export const templumQueue = (exchange: string, topic: string): string => `OpenFaaS_${exchange}_${topic}`

const placeholder = '{queue}'

/** Why a text cannot be a template of dead-letter queues; `undefined`: it can. */
export const letterTemplateProblem = (template: string): string | undefined => {
  const rest = template.replaceAll(placeholder, '')
  if (template.split(placeholder).length > 2) return `${placeholder} may stand in it once`
  if (/\p{Cc}/u.test(template)) return 'it has control characters'
  if (rest.includes('{') || rest.includes('}')) return `besides ${placeholder} there are no placeholders`
  if (rest === '') return `it needs characters of its own beside ${placeholder}, else every queue would be its own dead letters`
  if (byteLength(rest) > 128) return 'it has more than 128 bytes of its own'
  return template.startsWith('amq.') ? 'names that begin with amq. are the broker’s' : undefined
}

/** The dead-letter queue of a work queue. @param template e.g. `{queue}.dlq`, without `{queue}` one for all */
export const letterQueue = (template: string, queue: string): string => {
  const at = template.indexOf(placeholder)
  if (at < 0) return template
  const before = template.slice(0, at)
  return bounded(before, before === '' ? ownable(queue) : queue, template.slice(at + placeholder.length))
}
