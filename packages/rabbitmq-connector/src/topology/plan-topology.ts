import { annotationProblem } from '@millrace/sdk'
import type { AnnotationProblem, FunctionDeclaration } from '@millrace/sdk'
import { annotationName, readAnnotations } from './annotations.ts'
import { batchSizeOf } from './batches.ts'
import { hasNativeRetry, letterDeclaration, tierDeclaration, tiersOf, workQueue } from './declarations.ts'
import type { QueueShape } from './declarations.ts'
import { ExchangeTypes } from './exchange-types.ts'
import { letterQueue, ownPrefix, sharedQueue, templumQueue } from './names.ts'
import type { TopologyOptions } from './options.ts'
import { ownQueueOf } from './own-queue.ts'
import type { Binding, ExchangeDeclaration, IntakeDeclarations, IntakePlan, TopologyPlan } from './plan.ts'
import { bindingKey, patternsMeet } from './routing-key.ts'
import { wishesOf } from './shares.ts'
import type { PlannedFunction } from './shares.ts'
import { TopicIndex } from './topic-index.ts'

/** A queue before it is worked out. */
interface Draft {
  readonly queue: string
  readonly mode: 'queue' | 'binding' | 'exchange'
  readonly topic: 'queue' | 'routing-key'
  readonly functions: readonly PlannedFunction[]
  /** Absent: it is only checked. */
  readonly how?: 'declare' | 'when-missing'
  readonly flags?: { readonly durable: boolean; readonly autoDelete: boolean; readonly exclusive: boolean }
  readonly exchanges?: readonly ExchangeDeclaration[]
  readonly bindings?: readonly Binding[]
}

const lasting = { durable: true, autoDelete: false, exclusive: false } as const

/** Builds one plan; used once. */
class Planner {
  readonly #options: TopologyOptions
  readonly #functions: readonly PlannedFunction[]
  readonly #problems: AnnotationProblem[] = []
  /** What works, and not as it was meant: no reason to doubt the rest of what its function says. */
  readonly #shortfalls: AnnotationProblem[] = []
  readonly #intakes = new Map<string, IntakePlan>()
  readonly #unwanted = new Map<string, IntakeDeclarations>()
  readonly #topics: TopicIndex
  readonly #types: ExchangeTypes

  constructor(functions: readonly FunctionDeclaration[], options: TopologyOptions) {
    this.#options = options
    const sorted = functions.toSorted((left, right) => (left.function < right.function ? -1 : 1))
    this.#functions = sorted.map((declared) => {
      const { annotations, problems } = readAnnotations(declared)
      this.#problems.push(...problems)
      if (annotations.reply && batchSizeOf(declared) > 1) {
        const reason = 'the answer to a request that stands for several messages is the reply to none of them: nothing is published'
        this.#shortfalls.push(annotationProblem(declared.function, annotationName('reply'), reason))
        return { declared, annotations: { ...annotations, reply: false } }
      }
      return { declared, annotations }
    })
    this.#topics = new TopicIndex(this.#functions)
    this.#types = new ExchangeTypes(this.#functions, options, this.#problems)
  }

  build(): TopologyPlan {
    const { mode, queues, topics } = this.#options
    this.#configured()
    this.#templum()
    if (mode === 'exchange') this.#shared()
    if (mode === 'queue' && queues.length === 0 && topics.length === 0) this.#named()
    this.#own()
    this.#withoutLoops()
    const faulty = new Set(this.#problems.map((problem) => problem.function))
    return {
      intakes: new Map([...this.#intakes].map(([queue, intake]) => [queue, this.#keeping(intake, faulty)])),
      unwanted: this.#unwanted,
      functions: new Map(this.#functions.map(({ declared, annotations }) => [declared.function, annotations])),
      problems: [...this.#problems, ...this.#shortfalls],
    }
  }

  /** Queues that the configuration names: Pro's entries and the plain names. */
  #configured(): void {
    const { queues, topics, declareTopics } = this.#options
    for (const { name, ...flags } of queues) {
      this.#add({ queue: name, mode: 'queue', topic: 'queue', functions: this.#topics.wanting(name), how: 'when-missing', flags })
    }
    const how = declareTopics ? ({ how: 'when-missing' } as const) : {}
    for (const queue of topics) this.#add({ queue, mode: 'queue', topic: 'queue', functions: this.#topics.wanting(queue), ...how })
  }

  /** One queue for each exchange and topic, as Templum has them; functions name the routing key. */
  #templum(): void {
    for (const { name, topics, type, durable, autoDeleted } of this.#options.templum) {
      for (const topic of topics) {
        const key = bindingKey(topic, type)
        if ('problem' in key) continue
        this.#add({
          queue: templumQueue(name, topic),
          mode: 'exchange',
          topic: 'routing-key',
          functions: this.#topics.meeting(topic),
          how: 'when-missing',
          flags: { durable, autoDelete: autoDeleted, exclusive: false },
          exchanges: [this.#types.declaration(name)],
          bindings: [{ exchange: name, routingKey: key.key }],
        })
      }
    }
  }

  /** One queue for all functions, bound with everything that they name. */
  #shared(): void {
    const { exchange } = this.#options
    if (exchange === undefined) return
    const type = this.#types.typeOf(exchange.name) ?? 'topic'
    const keys = new Set<string>()
    const wanting = new Set<PlannedFunction>()
    const named = [...this.#topics.exact, ...this.#topics.patterns.map(({ pattern, functions }) => [pattern.text, functions] as const)]
    for (const [topic, functions] of named) {
      // The broker does not look at keys here; functions still match them.
      const key = type === 'fanout' || type === 'headers' ? { key: '' } : bindingKey(topic, type)
      if ('problem' in key) this.#complain(functions, 'topic', topic, key.problem)
      else {
        keys.add(key.key)
        for (const planned of functions) wanting.add(planned)
      }
    }
    // Not even declared: what it is bound to is what functions name. If it was before, it is retired as the queue of a function is.
    if (wanting.size === 0) return
    this.#add({
      queue: exchange.queue ?? sharedQueue(exchange.name),
      mode: 'exchange',
      topic: 'routing-key',
      functions: this.#functions.filter((planned) => wanting.has(planned)),
      how: exchange.queue === undefined ? 'declare' : 'when-missing',
      exchanges: [this.#types.declaration(exchange.name)],
      bindings: [...keys].toSorted().map((routingKey) => ({ exchange: exchange.name, routingKey })),
    })
  }

  /** Queues that functions name by their topics, as OpenFaaS Pro has it. */
  #named(): void {
    const { declareTopics, templum } = this.#options
    for (const { pattern, functions } of this.#topics.patterns) {
      if (templum.length > 0) continue
      this.#complain(
        functions,
        'topic',
        pattern.text,
        'queues cannot be listed over AMQP; set rabbitmq_topics or queues, or use mode exchange',
      )
    }
    for (const queue of this.#topics.exact.keys()) {
      if (templum.some(({ topics }) => topics.some((topic) => patternsMeet(queue, topic)))) continue
      const functions = this.#topics.wanting(queue)
      if (queue.startsWith(ownPrefix)) {
        this.#complain(
          functions,
          'topic',
          queue,
          `names that begin with \`${ownPrefix}\` are queues of this connector, each for one function`,
        )
        continue
      }
      this.#add({ queue, mode: 'queue', topic: 'queue', functions, ...(declareTopics && { how: 'when-missing' }) })
    }
  }

  #own(): void {
    for (const planned of this.#functions) {
      const own = ownQueueOf(planned, this.#types, this.#options, this.#problems)
      if (own === undefined) continue
      if (this.#intakes.has(own.queue) || this.#unwanted.has(own.queue)) {
        this.#complain(
          [planned],
          annotationName('queue'),
          own.queue,
          'another function or the configuration has this queue; one queue has one use',
        )
        continue
      }
      const { exchange, ...rest } = own
      const exchanges = exchange === undefined ? [] : [this.#types.declaration(exchange)]
      this.#add({ mode: 'binding', topic: exchange === undefined ? 'queue' : 'routing-key', functions: [planned], exchanges, ...rest })
    }
  }

  #add(draft: Draft): void {
    if (this.#intakes.has(draft.queue) || this.#unwanted.has(draft.queue)) return
    if (this.#intakes.size >= this.#options.maxQueues && draft.functions.length > 0) {
      this.#complain(draft.functions, 'topic', draft.queue, `this connector consumes at most ${this.#options.maxQueues} queues`)
      return
    }
    const intake = this.#intake(draft)
    if (draft.functions.length > 0) this.#intakes.set(draft.queue, intake)
    else if (draft.how !== undefined) this.#unwanted.set(draft.queue, intake.declare)
  }

  #intake(draft: Draft): IntakePlan {
    const { queue, functions, how } = draft
    const options = this.#options
    const wishes = wishesOf(queue, functions, options, this.#problems)
    this.#shortfalls.push(...wishes.batchProblems)
    const type = wishes.queueType ?? (wishes.streamStart === undefined ? options.queueType : 'stream')
    const isStream = type === 'stream'
    const only = draft.mode === 'binding' ? functions[0] : undefined
    const shape: QueueShape = {
      ...lasting,
      ...draft.flags,
      how: how ?? 'when-missing',
      type,
      ordered: wishes.ordered,
      single: only !== undefined,
    }
    const tiers = isStream || wishes.ordered ? [] : tiersOf(queue, options)
    const letters = options.deadLetterQueue === undefined ? undefined : letterQueue(options.deadLetterQueue, queue)
    const native = how !== undefined && hasNativeRetry(shape, options)
    const besides = [
      ...(letters === undefined ? [] : [letterDeclaration(letters, options)]),
      ...tiers.map((tier) => tierDeclaration(tier, queue, options)),
    ]
    return {
      queue,
      mode: isStream ? 'stream' : draft.mode,
      ...(only !== undefined && { function: only.declared.function }),
      topic: draft.topic,
      prefetch: wishes.prefetch,
      ordered: wishes.ordered,
      ...(wishes.consumerPriority !== undefined && { consumerPriority: wishes.consumerPriority }),
      ...(isStream && { stream: wishes.streamStart ?? 'first' }),
      tiers,
      ...(native && { nativeRetry: true }),
      ...(letters !== undefined && { deadLetterQueue: letters }),
      declare: {
        exchanges: draft.exchanges ?? [],
        besides,
        ...(how !== undefined && { queue: workQueue(queue, shape, options) }),
        bindings: options.declare ? (draft.bindings ?? []) : [],
      },
    }
  }

  /** What waits in a delay queue, or is a dead letter of its own, must not be consumed: it would come back for ever. */
  #withoutLoops(): void {
    const tiers = new Set([...this.#intakes.values()].flatMap(({ tiers: own }) => own.map(({ queue }) => queue)))
    for (const [queue, intake] of this.#intakes) {
      const isLetters = intake.deadLetterQueue === queue
      if (!isLetters && !tiers.has(queue)) continue
      this.#intakes.delete(queue)
      const functions =
        intake.function === undefined
          ? this.#topics.wanting(queue)
          : this.#functions.filter(({ declared }) => declared.function === intake.function)
      this.#complain(
        functions,
        'topic',
        queue,
        `it is a ${isLetters ? 'dead-letter' : 'delay'} queue of this connector, which is never consumed`,
      )
    }
  }

  #keeping(intake: IntakePlan, faulty: ReadonlySet<string>): IntakePlan {
    const isFaulty = intake.function !== undefined && faulty.has(intake.function)
    return isFaulty ? { ...intake, declare: { ...intake.declare, keepBindings: true } } : intake
  }

  #complain(functions: readonly PlannedFunction[], annotation: string, value: string, reason: string): void {
    for (const { declared } of functions) {
      this.#problems.push(annotationProblem(declared.function, annotation, `\`${value.slice(0, 60)}\` is left out: ${reason}`))
    }
  }
}

/**
 * What the functions and the configuration want of the broker. Pure, and the same for the same functions in whatever order: what two
 * functions disagree about, the first by name decides and the other is told.
 */
export const planTopology = (functions: readonly FunctionDeclaration[], options: TopologyOptions): TopologyPlan =>
  new Planner(functions, options).build()
