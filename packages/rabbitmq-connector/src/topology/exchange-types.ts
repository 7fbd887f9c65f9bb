import { annotationProblem } from '@millrace/sdk'
import type { AnnotationProblem } from '@millrace/sdk'
import type { FieldTable } from '../transport/message.ts'
import type { ExchangeType } from '../transport/transport.ts'
import { annotationName } from './annotations.ts'
import type { TopologyOptions } from './options.ts'
import type { ExchangeDeclaration } from './plan.ts'
import type { PlannedFunction } from './shares.ts'

/** Exchanges that every broker has (AMQP 0-9-1 section 3.1.3, and RabbitMQ's amq.rabbitmq.*). */
const predeclared: ReadonlyMap<string, ExchangeType> = new Map([
  ['amq.direct', 'direct'],
  ['amq.topic', 'topic'],
  ['amq.fanout', 'fanout'],
  ['amq.headers', 'headers'],
  ['amq.match', 'headers'],
])

const noArguments: FieldTable = new Map()

interface Known {
  readonly type: ExchangeType
  readonly durable: boolean
  readonly autoDelete: boolean
  readonly declared: boolean
}

/** One type for each exchange over everything: the configuration decides, then the first function by name. */
export class ExchangeTypes {
  readonly #known = new Map<string, Known>()
  readonly #mayDeclare: boolean

  constructor(functions: readonly PlannedFunction[], options: TopologyOptions, problems: AnnotationProblem[]) {
    this.#mayDeclare = options.declare
    const lasting = { durable: true, autoDelete: false, declared: true }
    if (options.exchange?.type !== undefined) this.#add(options.exchange.name, { type: options.exchange.type, ...lasting })
    for (const { name, type, declare, durable, autoDeleted } of options.templum) {
      this.#add(name, { type, durable, autoDelete: autoDeleted, declared: declare })
    }
    for (const { declared, annotations } of functions) {
      const { exchange, exchangeType: type } = annotations
      if (exchange === undefined || type === undefined) continue
      const is = this.typeOf(exchange)
      if (is === undefined) this.#add(exchange, { type, ...lasting })
      else if (is !== type) {
        const reason = `the exchange \`${exchange}\` is of type ${is} by the configuration or another function; that is used`
        problems.push(annotationProblem(declared.function, annotationName('exchange-type'), reason))
      }
    }
  }

  #add(exchange: string, known: Known): void {
    if (!this.#known.has(exchange) && !exchange.startsWith('amq.')) this.#known.set(exchange, known)
  }

  /** Absent: nobody has said it. */
  typeOf(exchange: string): ExchangeType | undefined {
    return predeclared.get(exchange) ?? this.#known.get(exchange)?.type
  }

  /** How the exchange is asked for: declared where somebody has said its type, else only checked. */
  declaration(exchange: string): ExchangeDeclaration {
    const known = this.#known.get(exchange)
    return {
      exchange,
      type: this.typeOf(exchange) ?? 'topic',
      passive: known?.declared !== true || !this.#mayDeclare,
      durable: known?.durable ?? true,
      autoDelete: known?.autoDelete ?? false,
      arguments: noArguments,
    }
  }
}
