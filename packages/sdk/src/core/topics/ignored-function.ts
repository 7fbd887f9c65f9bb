import type { TopicPattern } from './pattern.ts'

/** A listed function that is not in the map; kept, within bounds, so that `explain` can say why it gets nothing. */
export interface IgnoredFunction {
  /** Printable; `NAME.NAMESPACE` where the gateway said so. */
  readonly function: string
  /** `namespace`: not watched. `bad-annotation`: name or namespace is not on the allow-list, or it is listed twice. */
  readonly code: 'namespace' | 'bad-annotation'
  /** One sentence. */
  readonly reason: string
  readonly patterns: readonly TopicPattern[]
}
