/** One invocation, as a rule sees it. */
export interface Invocation {
  readonly function: string
  readonly id: string
  readonly key: string
  readonly sequence: number
  readonly attempt: number
  /** Counts the invocations of this server, from 0. */
  readonly call: number
}

/** How the function answers some invocations. The first rule that fits decides; without one it answers 200 at once. */
export interface BehaviourRule {
  readonly function?: string
  readonly key?: string
  readonly id?: string
  /** Attempts up to this one: `{ attemptUpTo: 2, status: 500 }` fails twice, then succeeds. */
  readonly attemptUpTo?: number
  /** Every n-th invocation of the server. */
  readonly every?: number
  /** Which of the invocations that fit, at most; the rule is used up then. */
  readonly times?: number
  /** @default 200 */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Before the answer. A pair: evenly spread between both, by the id, so that it is the same in each run. @default 0 */
  readonly delayMs?: number | readonly [number, number]
  /** Never answers: the caller has to give up. */
  readonly hang?: boolean
  /** Cuts the connection in place of an answer. */
  readonly reset?: boolean
}

const fits = (rule: BehaviourRule, invocation: Invocation): boolean =>
  (rule.function === undefined || rule.function === invocation.function) &&
  (rule.key === undefined || rule.key === invocation.key) &&
  (rule.id === undefined || rule.id === invocation.id) &&
  (rule.attemptUpTo === undefined || invocation.attempt <= rule.attemptUpTo) &&
  (rule.every === undefined || invocation.call % rule.every === 0)

/** Chooses the rule of an invocation; knows how often each was used. */
export const createBehaviour = (rules: readonly BehaviourRule[]): ((invocation: Invocation) => BehaviourRule) => {
  const used = new Map<BehaviourRule, number>()
  return (invocation) => {
    const rule = rules.find((candidate) => fits(candidate, invocation) && (used.get(candidate) ?? 0) < (candidate.times ?? Infinity))
    if (rule !== undefined) used.set(rule, (used.get(rule) ?? 0) + 1)
    return rule ?? {}
  }
}

const hash = (text: string): number => {
  let value = 2_166_136_261
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 16_777_619) >>> 0
  return value
}

/** The delay of a rule for an event. */
export const delayOf = (rule: BehaviourRule, id: string): number => {
  const delay = rule.delayMs ?? 0
  if (typeof delay === 'number') return delay
  const [from, to] = delay
  return from + ((hash(id) % 1000) / 1000) * (to - from)
}
