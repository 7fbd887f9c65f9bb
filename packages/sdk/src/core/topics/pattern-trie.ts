import { MAX_TOPIC_LENGTH, splitTopic } from './pattern.ts'
import type { PatternSegment, TopicPattern } from './pattern.ts'

interface Node {
  /** Most nodes are leaves: they have no map. */
  children: Map<string, Node> | undefined
  one: Node | undefined
  many: Node | undefined
  /** Reached by `#`: it stays reached whatever comes. */
  readonly loops: boolean
  /** The step that reached it last, so that it is reached once a step. */
  step: number
  /** Numbers of the functions whose pattern ends here. */
  readonly ends: number[]
}

const createNode = (loops: boolean): Node => ({ children: undefined, one: undefined, many: undefined, loops, step: 0, ends: [] })

const grow = (at: Node, segment: PatternSegment): Node => {
  if (segment.kind === 'one') return (at.one ??= createNode(false))
  if (segment.kind === 'many') return (at.many ??= createNode(true))
  const children = (at.children ??= new Map<string, Node>())
  const child = children.get(segment.text) ?? createNode(false)
  children.set(segment.text, child)
  return child
}

/**
 * All patterns of a map in one tree, walked segment by segment with the nodes reached so far. What it costs depends
 * on the patterns that still can match, not on how many functions or patterns there are.
 */
export class PatternTrie {
  readonly #root: Node = createNode(false)
  #size = 0
  #step = 0

  /** Patterns added. */
  get size(): number {
    return this.#size
  }

  /** Adds a pattern for the function with this number. */
  add(pattern: TopicPattern, functionNumber: number): void {
    let at = this.#root
    for (const segment of pattern.segments) at = grow(at, segment)
    at.ends.push(functionNumber)
    this.#size += 1
  }

  /** Adds the numbers of the functions with a matching pattern to `into`. Topics longer than `MAX_TOPIC_LENGTH` match nothing. */
  collect(topic: string, into: Set<number>): void {
    if (topic.length > MAX_TOPIC_LENGTH) return
    this.#step += 1
    let reached: Node[] = []
    this.#reach(reached, this.#root)
    for (const part of splitTopic(topic)) {
      const next: Node[] = []
      this.#step += 1
      for (const at of reached) {
        this.#reach(next, at.children?.get(part))
        this.#reach(next, at.one)
        if (at.loops) this.#reach(next, at)
      }
      if (next.length === 0) return
      reached = next
    }
    for (const at of reached) for (const functionNumber of at.ends) into.add(functionNumber)
  }

  /** Reaches a node and, since `#` may stand for nothing, the `#` below it. */
  #reach(into: Node[], node: Node | undefined): void {
    if (node === undefined || node.step === this.#step) return
    node.step = this.#step
    into.push(node)
    this.#reach(into, node.many)
  }
}
