import type { PolicyOptions } from '../annotations/read-policy.ts'
import type { AnnotationProblem, FunctionDeclaration, FunctionsChange } from '../../contract/functions-view.ts'
import type { MillraceEvent } from '../../contract/event.ts'
import type { PolicyDefaults } from '../function-policy.ts'
import type { DeclaredFunction } from './declare-function.ts'
import { explainTopic } from './explain-topic.ts'
import type { Explanation } from './explanation.ts'
import { diffFunctions } from './function-diff.ts'
import type { IgnoredFunction } from './ignored-function.ts'
import type { ListedFunction } from './listed-function.ts'
import { defaultTopicMapLimits } from './map-limits.ts'
import type { TopicMapLimits } from './map-limits.ts'
import type { MappedFunction } from './mapped-function.ts'
import { siftFunctions } from './sift-functions.ts'
import type { SiftedFunctions } from './sift-functions.ts'
import { TopicIndex } from './topic-index.ts'
import { namespaceSelector } from './watched-namespaces.ts'
import type { NamespaceSelection } from './watched-namespaces.ts'

/** How a topic map is built. */
export interface TopicMapOptions {
  /** What holds where a function says nothing. */
  readonly defaults: PolicyDefaults
  /** Namespaces to watch. @default all */
  readonly namespaces?: NamespaceSelection
  /**
   * Full names under `com.openfaas.connector.` that a source reads, e.g. `com.openfaas.connector.timezone`; an entry
   * that ends in `.` declares every name that begins with it. Other unknown names are problems. @default none
   */
  readonly knownAnnotations?: ReadonlySet<string>
  /** Data longer than this, in bytes, matches no `$` clause of a filter. @default 1048576 */
  readonly maxFilterJsonBytes?: number
  readonly limits?: Partial<TopicMapLimits>
}

const nothingKnown: ReadonlySet<string> = new Set()

/** The usual refresh: nothing changed, so the index and what it remembers go on to serve. */
const holdsSame = (before: readonly MappedFunction[], after: readonly MappedFunction[]): boolean =>
  before.length === after.length && before.every((mapped, index) => mapped === after[index])

/**
 * Which functions want which topics: an immutable snapshot, replaced whole. A function is in it once, in the order of
 * the keys (`NAME.NAMESPACE`), and so in every match. Pure: no clock, no I/O.
 */
export class TopicMap {
  /** All functions with a legal name in a watched namespace, also those without a topic. */
  readonly functions: readonly MappedFunction[]
  /** What is wrong with annotations and names, bounded by `limits.problems`. */
  readonly problems: readonly AnnotationProblem[]
  /** All problems, counted. */
  readonly problemCount: number
  /** Functions outside the watched namespaces or with a bad name, bounded by `limits.ignored`. */
  readonly ignored: readonly IgnoredFunction[]
  /** All ignored functions, counted. */
  readonly ignoredCount: number
  readonly #declared: ReadonlyMap<string, DeclaredFunction>
  readonly #index: TopicIndex
  #declarations: ReadonlyMap<string, FunctionDeclaration> | undefined
  readonly #options: TopicMapOptions
  readonly #limits: TopicMapLimits

  private constructor(sifted: SiftedFunctions, options: TopicMapOptions, limits: TopicMapLimits, previous?: TopicMap) {
    this.functions = Array.from(sifted.declared.values(), ({ mapped }) => mapped)
    this.problems = sifted.problems
    this.problemCount = sifted.problemCount
    this.ignored = sifted.ignored
    this.ignoredCount = sifted.ignoredCount
    this.#declared = sifted.declared
    this.#options = options
    this.#limits = limits
    const isSame = previous !== undefined && holdsSame(previous.functions, this.functions)
    this.#index = isSame ? previous.#index : new TopicIndex(sifted.declared.values(), this.functions, limits)
    if (isSame) this.#declarations = previous.#declarations
  }

  /**
   * Builds a map of a function list. Never throws on what a gateway may say: what is wrong becomes a problem and takes
   * no other function down.
   *
   * @param previous a map built with the very same `options` object: its unchanged functions are taken over, which makes
   *   a refresh several times as fast and keeps their `MappedFunction` identical
   */
  static build(functions: readonly ListedFunction[], options: TopicMapOptions, previous?: TopicMap): TopicMap {
    const limits = { ...defaultTopicMapLimits, ...options.limits }
    const policy: PolicyOptions = {
      defaults: options.defaults,
      knownAnnotations: options.knownAnnotations ?? nothingKnown,
      ...(options.maxFilterJsonBytes === undefined ? {} : { maxJsonBytes: options.maxFilterJsonBytes }),
    }
    const earlier = previous !== undefined && previous.#options === options ? previous : undefined
    const declared = earlier === undefined ? undefined : earlier.#declared
    const sifted = siftFunctions(functions, namespaceSelector(options.namespaces), policy, limits, declared)
    return new TopicMap(sifted, options, limits, earlier)
  }

  /**
   * The functions whose annotation names the topic or a pattern of it; filters are not asked. Exact topics cost one
   * look-up; patterns are walked once per topic and remembered. A topic longer than 255 characters has no functions.
   */
  match(topic: string): readonly MappedFunction[] {
    return this.#index.match(topic)
  }

  /** @param functionName `NAME` or `NAME.NAMESPACE` */
  get(functionName: string): MappedFunction | undefined {
    return this.#declared.get(functionName)?.mapped
  }

  /** Topics without wildcards that any function names, sorted, each once. */
  exactTopics(): readonly string[] {
    return this.#index.exactTopics()
  }

  /** Topics with wildcards that any function names, sorted, each once. */
  patterns(): readonly string[] {
    return this.#index.patterns()
  }

  /** What came, went and changed since `previous`; without one, everything came. */
  diff(previous: TopicMap | undefined): FunctionsChange {
    // A shared index says that every function was taken over as it is.
    if (previous !== undefined && previous.#index === this.#index) return { added: [], changed: [], removed: [] }
    return diffFunctions(previous?.declarations() ?? new Map(), this.declarations())
  }

  /** Declarations by key, in the order of keys. */
  declarations(): ReadonlyMap<string, FunctionDeclaration> {
    this.#declarations ??= new Map(this.functions.map(({ declaration }) => [declaration.function, declaration]))
    return this.#declarations
  }

  /** Which functions get a topic, and for those that nearly do, why not. With an event, filters are asked too. Slow: it looks at every function. */
  explain(topic: string, event?: MillraceEvent): Explanation {
    return explainTopic(topic, event, {
      declared: this.#declared.values(),
      ignored: this.ignored,
      maxNearMisses: this.#limits.nearMisses,
      filterOptions: this.#options.maxFilterJsonBytes === undefined ? {} : { maxJsonBytes: this.#options.maxFilterJsonBytes },
    })
  }
}
