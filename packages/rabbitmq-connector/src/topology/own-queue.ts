import { annotationProblem } from '@millrace/sdk'
import type { AnnotationProblem } from '@millrace/sdk'
import type { ExchangeType } from '../transport/transport.ts'
import { annotationName } from './annotations.ts'
import type { ExchangeTypes } from './exchange-types.ts'
import { functionQueue, ownPrefix } from './names.ts'
import type { TopologyOptions } from './options.ts'
import type { Binding } from './plan.ts'
import { bindingKey } from './routing-key.ts'
import type { PlannedFunction } from './shares.ts'

/** The queue that a function has for itself. */
export interface OwnQueue {
  readonly queue: string
  /** `declare`: named by us. `when-missing`: named by the function. Absent: it is only checked. */
  readonly how?: 'declare' | 'when-missing'
  readonly exchange?: string
  readonly bindings: readonly Binding[]
}

/** Collects what is wrong with one function's own queue. */
type Complain = (annotation: string, reason: string) => void

const maxKeyProblems = 3

const keysOf = (keys: readonly string[], type: ExchangeType, complain: Complain): readonly string[] => {
  const read = keys.map((text) => ({ text, ...bindingKey(text, type) }))
  const wrong = read.filter((key) => 'problem' in key)
  for (const key of wrong.slice(0, maxKeyProblems)) complain('routing-keys', `\`${key.text.slice(0, 60)}\` is left out: ${key.problem}`)
  if (wrong.length > maxKeyProblems) complain('routing-keys', `${wrong.length - maxKeyProblems} more keys are left out`)
  return [...new Set(read.flatMap((key) => ('key' in key ? [key.key] : [])))].toSorted()
}

const bindingsOf = (
  { annotations }: PlannedFunction,
  exchange: string,
  type: ExchangeType | undefined,
  complain: Complain,
): readonly Binding[] => {
  const { routingKeys, matchHeaders } = annotations
  if (type === 'fanout') return [{ exchange, routingKey: '' }]
  if (type === 'headers' || (type === undefined && matchHeaders !== undefined)) {
    if (matchHeaders === undefined) complain('match-headers', 'it is missing: an exchange of type headers needs name=value items')
    return matchHeaders === undefined ? [] : [{ exchange, routingKey: '', arguments: matchHeaders }]
  }
  if (matchHeaders !== undefined)
    complain('match-headers', `the exchange is of type ${type ?? 'topic'}, only one of type headers looks at headers`)
  if (routingKeys.length === 0) complain('routing-keys', 'it is missing; a comma list is expected, e.g. `orders.*,orders.eu.#`')
  return keysOf(routingKeys, type ?? 'topic', complain).map((routingKey) => ({ exchange, routingKey }))
}

const queueNameOf = (planned: PlannedFunction, options: TopologyOptions, complain: Complain): string => {
  const own = functionQueue(planned.declared, options.defaultNamespace)
  const named = planned.annotations.queue
  if (named === undefined || named === 'auto' || named === own) return own
  if (!named.startsWith(ownPrefix) && !named.startsWith('amq.')) return named
  complain('queue', `names that begin with \`${ownPrefix}\` or \`amq.\` are taken; \`auto\` is used, which gives \`${own}\``)
  return own
}

/** The own queue of a function, if its annotations ask for one. */
export const ownQueueOf = (
  planned: PlannedFunction,
  types: ExchangeTypes,
  options: TopologyOptions,
  problems: AnnotationProblem[],
): OwnQueue | undefined => {
  const { annotations, declared } = planned
  const isBound = annotations.exchange !== undefined || annotations.routingKeys.length > 0 || annotations.matchHeaders !== undefined
  if (!isBound && annotations.queue === undefined) return undefined
  const complain: Complain = (annotation, reason) =>
    void problems.push(annotationProblem(declared.function, annotationName(annotation), reason))
  const queue = queueNameOf(planned, options, complain)
  const isOurs = queue === functionQueue(declared, options.defaultNamespace)
  const isSaid = isBound || annotations.queueType !== undefined || options.declareTopics
  const how = isOurs ? 'declare' : isSaid ? 'when-missing' : undefined
  const exchange = annotations.exchange ?? (isBound ? options.exchange?.name : undefined)
  if (isBound && exchange === undefined) {
    complain('exchange', 'it is missing, and the configuration names none; without it nothing is bound')
  }
  return {
    queue,
    ...(how !== undefined && { how }),
    ...(exchange !== undefined && { exchange }),
    bindings: exchange === undefined ? [] : bindingsOf(planned, exchange, types.typeOf(exchange), complain),
  }
}
