import { randomUUID } from 'node:crypto'
import { describeError, isMillraceError } from '@millrace/sdk'
import type { AnnotationProblem, FunctionDeclaration, Logger } from '@millrace/sdk'
import { isRefusal } from './topology/apply-bindings.ts'
import { declareExchange, declareQueue } from './topology/declare-one.ts'
import type { TopologyOptions } from './topology/options.ts'
import type { IntakePlan, QueueDeclaration } from './topology/plan.ts'
import { planTopology } from './topology/plan-topology.ts'
import { ScratchChannel } from './topology/scratch-channel.ts'
import { amqplibTransport } from './transport/amqplib-transport.ts'
import type { ConnectionOptions } from './transport/connection-options.ts'

/** One thing of the broker, as it was found. Nothing is declared, bound or consumed for it. */
export interface Examined {
  readonly kind: 'queue' | 'exchange' | 'binding'
  readonly name: string
  /**
   * - `good`
   * - `to-declare`: missing, and the connector declares it
   * - `drift`: there with other arguments, and used as it is
   * - `problem`: missing and not for the connector to declare, or the user may not ask for it, or may not bind
   */
  readonly status: 'good' | 'to-declare' | 'drift' | 'problem'
  readonly code?: string
  /** One sentence or two. */
  readonly detail: string
  readonly fix?: string
  /** Of a queue that is there. */
  readonly messages?: number
  readonly consumers?: number
}

/** What `examineRabbitmq` found. */
export interface Examination {
  /** `HOST:PORT` of the configuration. */
  readonly brokers: string
  readonly serverVersion: string
  /** Annotations that cannot be used. */
  readonly problems: readonly AnnotationProblem[]
  readonly found: readonly Examined[]
}

const failed = (kind: Examined['kind'], name: string, status: 'drift' | 'problem', error: unknown): Examined => ({
  kind,
  name,
  status,
  detail: describeError(error, 600),
  ...(isMillraceError(error) && { code: error.code, fix: error.fix }),
})

const isCode = (error: unknown, code: string): boolean => isMillraceError(error) && error.code === code

class Examiner {
  readonly found: Examined[] = []
  readonly #scratch: ScratchChannel
  readonly #vhost: string
  readonly #seen = new Set<string>()

  constructor(scratch: ScratchChannel, vhost: string) {
    this.#scratch = scratch
    this.#vhost = vhost
  }

  async intake({ queue, declare }: IntakePlan): Promise<void> {
    const place = { vhost: this.#vhost, consequence: 'The queue is not consumed' }
    for (const wanted of declare.exchanges) {
      if (this.#again(`exchange ${wanted.exchange}`)) continue
      try {
        // Passively in any case: one that is missing and has a type is the connector's to declare.
        await declareExchange(this.#scratch, { ...wanted, passive: true }, place)
        this.found.push({ kind: 'exchange', name: wanted.exchange, status: 'good', detail: 'it is there' })
      } catch (error) {
        const isOurs = !wanted.passive && isCode(error, 'E_RABBITMQ_NOT_DECLARED')
        this.found.push(
          isOurs
            ? { kind: 'exchange', name: wanted.exchange, status: 'to-declare', detail: `the connector declares it, of type ${wanted.type}` }
            : failed('exchange', wanted.exchange, 'problem', error),
        )
      }
    }
    const own = declare.queue ?? { queue, how: 'check', durable: true, exclusive: false, autoDelete: false, arguments: new Map() }
    for (const wanted of [own, ...declare.besides]) if (!this.#again(`queue ${wanted.queue}`)) this.found.push(await this.#queue(wanted))
    for (const exchange of new Set(declare.bindings.map((binding) => binding.exchange))) await this.#binding(queue, exchange)
  }

  /** Whether the queue may be bound: the broker wants the same rights to take away a binding that nobody has, which changes nothing. */
  async #binding(queue: string, exchange: string): Promise<void> {
    const isThere = ({ kind, name, status }: Examined): boolean =>
      (status === 'good' || status === 'drift') && name === (kind === 'queue' ? queue : exchange)
    if (this.found.filter(({ kind }) => kind !== 'binding').filter(isThere).length < 2) return
    try {
      await this.#scratch.run((channel) => channel.unbindQueue(queue, exchange, `millrace.doctor.${randomUUID()}`))
    } catch (error) {
      if (!isRefusal(error)) throw error
      this.found.push(failed('binding', `${exchange} -> ${queue}`, 'problem', error))
    }
  }

  #again(what: string): boolean {
    const isKnown = this.#seen.has(what)
    this.#seen.add(what)
    return isKnown
  }

  async #queue(wanted: QueueDeclaration): Promise<Examined> {
    const { queue, how } = wanted
    const place = { vhost: this.#vhost, consequence: 'The queue is not consumed' }
    try {
      const { state } = await declareQueue(this.#scratch, { ...wanted, how: 'check' }, place)
      // It is there: declaring it again changes nothing, and tells whether its arguments are the same.
      const { drift } = how === 'check' ? {} : await declareQueue(this.#scratch, { ...wanted, how: 'declare' }, place)
      const figures = { messages: state.messages, consumers: state.consumers }
      if (drift !== undefined) return { ...failed('queue', queue, 'drift', drift), ...figures }
      return { kind: 'queue', name: queue, status: 'good', detail: `${state.messages} ready, ${state.consumers} consumers`, ...figures }
    } catch (error) {
      if (how === 'check' || !isCode(error, 'E_RABBITMQ_NOT_DECLARED')) return failed('queue', queue, 'problem', error)
      return { kind: 'queue', name: queue, status: 'to-declare', detail: 'the connector declares it' }
    }
  }
}

/**
 * Looks at everything that the functions and settings want of the broker, as its user sees it.
 *
 * @throws MillraceError `E_RABBITMQ_*` when the broker cannot be reached or refuses the user
 */
export const examineRabbitmq = async (options: {
  readonly connection: ConnectionOptions
  readonly topology: Omit<TopologyOptions, 'serverVersion'>
  readonly functions: readonly FunctionDeclaration[]
  readonly logger: Logger
  /** How long the connection is tried for. @default 5000 */
  readonly linkMs?: number
}): Promise<Examination> => {
  const { connection: where, topology, functions, logger, linkMs = 5000 } = options
  const connection = amqplibTransport(where, logger).connection('probe')
  try {
    const link = await connection.link(linkMs)
    const { intakes, problems } = planTopology(functions, { ...topology, serverVersion: link.serverVersion })
    const scratch = new ScratchChannel(link)
    const examiner = new Examiner(scratch, where.vhost)
    try {
      for (const intake of intakes.values()) await examiner.intake(intake)
    } finally {
      await scratch.close()
    }
    return { brokers: connection.address, serverVersion: link.serverVersion, problems, found: examiner.found }
  } finally {
    await connection.close()
  }
}
