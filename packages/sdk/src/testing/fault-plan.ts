import { globMatches } from './glob.ts'

/** What happens on the wire instead of, or in the middle of, a proper answer. */
export type WireFault =
  /** No byte, for as long as the client waits. */
  | 'hang'
  /** Headers and half of the body, then nothing more. */
  | 'hang-mid-body'
  /** RST before any byte. */
  | 'reset'
  /** Headers and half of the body, then RST. */
  | 'reset-mid-body'
  /** Headers with the whole `Content-Length`, half of the body, then a proper close. */
  | 'truncated'
  /** The connection closes properly without a byte. */
  | 'empty-reply'
  /** Bytes that are not HTTP. */
  | 'garbage'
  /** A chunked body that ends only when the client leaves. */
  | 'endless'
  /** `103 Early Hints` until the client leaves. */
  | 'informational-flood'
  /** One header of 1 MiB. */
  | 'huge-header'

export const wireFaults: readonly WireFault[] = [
  'hang',
  'hang-mid-body',
  'reset',
  'reset-mid-body',
  'truncated',
  'empty-reply',
  'garbage',
  'endless',
  'informational-flood',
  'huge-header',
]

/** Which requests a rule is about. Everything given must fit; an empty match fits every request. */
export interface FaultMatch {
  /** `NAME` or `NAME.NAMESPACE` as it was called, or the bare name. `*` stands for any characters. */
  readonly function?: string | readonly string[]
  /** The header `X-Topic`. `*` stands for any characters. */
  readonly topic?: string
  /** The header `X-Event-Id`. `*` stands for any characters. */
  readonly event?: string
  /** The path with its leading slash, without the query, e.g. `/system/functions`. `*` stands for any characters. */
  readonly path?: string
  /** The query's `namespace`, for lists. */
  readonly namespace?: string
  readonly method?: string
  /** The header `X-Delivery-Attempt`. */
  readonly attempt?: number | readonly number[]
  /** Which of the requests that fit everything above, counted from 1; `every: 3` is the third, sixth, ... */
  readonly nth?: number | readonly number[] | { readonly every: number }
  /** From 0 to 1: how many of the requests that fit everything above. Drawn from the plan's seed. */
  readonly probability?: number
}

/** What a matching request meets. Only `latencyMs`: the function runs and answers, later. */
export interface FaultAction {
  /** Wait before everything else. @default 0 */
  readonly latencyMs?: number
  /** @default 200 when something else of an answer is given */
  readonly status?: number
  /** In order; a list sends the header several times. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string | Uint8Array
  /** A body of so many filler bytes, streamed, instead of `body`. */
  readonly bodyBytes?: number
  readonly wire?: WireFault
  /** Run the function first and throw its answer away: the caller cannot know that it ran. @default false */
  readonly run?: boolean
}

/** One rule of a fault plan. */
export interface FaultRule {
  /** For logs. */
  readonly name?: string
  /** @default every request of a function (`/function/*`) */
  readonly match?: FaultMatch
  readonly then: FaultAction
  /** The rule is spent after it has fired so often. @default without end */
  readonly times?: number
}

/** A fault plan as data: what YAML gives after `parseFaultPlan`, or what a test writes. */
export interface FaultPlanSpec {
  /** For `probability`: the same seed gives the same faults for the same order of requests. @default 1 */
  readonly seed?: number
  readonly rules?: readonly FaultRule[]
}

/** What the plan may know of a request. */
export interface FaultSubject {
  readonly method: string
  readonly path: string
  /** `NAME` or `NAME.NAMESPACE` as called; absent outside `/function/` and `/async-function/`. */
  readonly function?: string
  readonly topic?: string
  readonly event?: string
  readonly attempt?: number
  readonly namespace?: string
}

/** The rule that fired. */
export interface Fault {
  readonly rule: string
  readonly action: FaultAction
}

/** A running fault plan: rules with their counters. Pure but for its counters; randomness comes from the seed. */
export interface FaultPlan {
  /** The first rule that fires for this request. Every rule that fits counts the request, whichever rule fires. */
  decide(subject: FaultSubject): Fault | undefined
  /** Adds rules after the others; the result takes them out again. */
  add(...rules: readonly FaultRule[]): () => void
  /** Takes all rules out. */
  clear(): void
  /** Rules that can still fire. */
  readonly active: number
}

/** A rule with its counters. */
interface RunningRule {
  readonly rule: FaultRule
  readonly name: string
  seen: number
  fired: number
}

/** mulberry32: small, seeded, good enough for "one call in five". */
const randomFrom = (seed: number): (() => number) => {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const bareName = (called: string): string => {
  const dot = called.lastIndexOf('.')
  return dot > 0 ? called.slice(0, dot) : called
}

const functionFits = (wanted: string | readonly string[], called: string | undefined): boolean => {
  if (called === undefined) return false
  const patterns = typeof wanted === 'string' ? [wanted] : wanted
  return patterns.some((pattern) => globMatches(pattern, called) || globMatches(pattern, bareName(called)))
}

const globFits = (pattern: string | undefined, value: string | undefined): boolean =>
  pattern === undefined || (value !== undefined && globMatches(pattern, value))

const attemptFits = (wanted: number | readonly number[] | undefined, attempt: number | undefined): boolean => {
  if (wanted === undefined) return true
  if (attempt === undefined) return false
  return typeof wanted === 'number' ? wanted === attempt : wanted.includes(attempt)
}

const fits = (match: FaultMatch, subject: FaultSubject): boolean =>
  (match.method === undefined || match.method.toUpperCase() === subject.method) &&
  // A rule without a path is about functions: nobody means to break discovery by "5 % of everything".
  (match.path === undefined ? subject.path.startsWith('/function/') : globMatches(match.path, subject.path)) &&
  (match.function === undefined || functionFits(match.function, subject.function)) &&
  (match.namespace === undefined || match.namespace === subject.namespace) &&
  globFits(match.topic, subject.topic) &&
  globFits(match.event, subject.event) &&
  attemptFits(match.attempt, subject.attempt)

const isList = (nth: FaultMatch['nth']): nth is readonly number[] => Array.isArray(nth)

const nthFits = (nth: FaultMatch['nth'], count: number): boolean => {
  if (nth === undefined) return true
  if (typeof nth === 'number') return nth === count
  return isList(nth) ? nth.includes(count) : count % nth.every === 0
}

/** Starts a plan. Rules are taken as they are: `parseFaultPlan` checks what comes from a file. */
export const createFaultPlan = (spec: FaultPlanSpec = {}): FaultPlan => {
  const random = randomFrom(spec.seed ?? 1)
  let running: RunningRule[] = []
  let numbered = 0

  const fires = (entry: RunningRule, subject: FaultSubject): boolean => {
    const match = entry.rule.match ?? {}
    if (!fits(match, subject)) return false
    entry.seen += 1
    if (!nthFits(match.nth, entry.seen)) return false
    // Drawn also when the rule is spent, so that `times` does not shift the draws of the rules after it.
    if (match.probability !== undefined && random() >= match.probability) return false
    return entry.fired < (entry.rule.times ?? Infinity)
  }

  const add = (...rules: readonly FaultRule[]): (() => void) => {
    const entries = rules.map((rule): RunningRule => {
      numbered += 1
      return { rule, name: rule.name ?? `rule ${numbered}`, seen: 0, fired: 0 }
    })
    running.push(...entries)
    return () => {
      running = running.filter((entry) => !entries.includes(entry))
    }
  }
  add(...(spec.rules ?? []))

  return {
    add,
    decide(subject) {
      const firing = running.filter((entry) => fires(entry, subject))[0]
      if (firing === undefined) return undefined
      firing.fired += 1
      return { rule: firing.name, action: firing.rule.then }
    },
    clear() {
      running = []
    },
    get active() {
      return running.filter((entry) => entry.fired < (entry.rule.times ?? Infinity)).length
    },
  }
}
