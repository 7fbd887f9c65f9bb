import { MAX_REASON_LENGTH, ProblemList, annotationProblem, quote } from '../annotations/problem-list.ts'
import type { PolicyOptions } from '../annotations/read-policy.ts'
import { readTopics } from '../annotations/read-topics.ts'
import type { AnnotationProblem } from '../../contract/functions-view.ts'
import { printable } from '../printable.ts'
import { declareFunction, sameListing } from './declare-function.ts'
import type { DeclaredFunction } from './declare-function.ts'
import type { IgnoredFunction } from './ignored-function.ts'
import type { ListedFunction } from './listed-function.ts'
import type { TopicMapLimits } from './map-limits.ts'
import { functionKey, isFunctionName } from './names.ts'

/** A function list, sifted. */
export interface SiftedFunctions {
  /** By key, in the order of keys. */
  readonly declared: ReadonlyMap<string, DeclaredFunction>
  readonly ignored: readonly IgnoredFunction[]
  readonly ignoredCount: number
  readonly problems: readonly AnnotationProblem[]
  readonly problemCount: number
}

class Sieve {
  readonly declared = new Map<string, DeclaredFunction>()
  readonly ignored: IgnoredFunction[] = []
  readonly problems: AnnotationProblem[] = []
  readonly limits: TopicMapLimits
  ignoredCount = 0
  problemCount = 0

  constructor(limits: TopicMapLimits) {
    this.limits = limits
  }

  ignore(listed: ListedFunction, code: IgnoredFunction['code'], reason: string): void {
    this.ignoredCount += 1
    if (this.ignored.length >= this.limits.ignored) return
    const name = printable(namespaceOf(listed) === undefined ? listed.name : `${listed.name}.${listed.namespace ?? ''}`, 128)
    const patterns = readTopics(listed.annotations, this.limits, new ProblemList(name, 0))
    this.ignored.push({ function: name, code, reason: printable(reason, MAX_REASON_LENGTH), patterns })
  }

  report(problem: AnnotationProblem): void {
    this.problemCount += 1
    if (this.problems.length < this.limits.problems) this.problems.push(problem)
  }
}

const namespaceOf = (listed: ListedFunction): string | undefined => (listed.namespace === '' ? undefined : listed.namespace)

const refuseName = (sieve: Sieve, listed: ListedFunction): void => {
  const bad = isFunctionName(listed.name) ? 'namespace' : 'name'
  const reason = `the ${bad} ${quote(bad === 'name' ? listed.name : (listed.namespace ?? ''))} is no DNS label (letters, digits and \`-\`, at most 63), so it is never called`
  sieve.report(annotationProblem(listed.name, bad, reason))
  sieve.ignore(listed, 'bad-annotation', reason)
}

const siftOne = (
  sieve: Sieve,
  listed: ListedFunction,
  isWatched: (namespace: string | undefined) => boolean,
  declare: (key: string, listed: ListedFunction) => DeclaredFunction,
): void => {
  const namespace = namespaceOf(listed)
  const key = functionKey(listed.name, namespace)
  if (key === undefined) refuseName(sieve, listed)
  else if (!isWatched(namespace)) {
    const where =
      namespace === undefined
        ? 'the gateway names no namespace for it and only some are watched'
        : `the namespace ${quote(namespace)} is not watched`
    sieve.ignore(listed, 'namespace', where)
  } else if (sieve.declared.has(key)) {
    sieve.report(annotationProblem(key, 'name', 'the gateway lists it more than once; the first one counts'))
  } else {
    const declared = declare(key, listed)
    sieve.declared.set(key, declared)
    for (const problem of declared.problems) sieve.report(problem)
  }
}

/** In the order of keys. Most gateways list that way already, so a refresh of many functions sorts nothing. */
const inOrder = (declared: ReadonlyMap<string, DeclaredFunction>): ReadonlyMap<string, DeclaredFunction> => {
  let last = ''
  let isSorted = true
  for (const key of declared.keys()) {
    isSorted &&= last < key
    last = key
  }
  return isSorted ? declared : new Map([...declared].toSorted(([left], [right]) => (left < right ? -1 : 1)))
}

/**
 * Checks names against the allow-list, drops what is not watched and works out the rest. A function that the previous
 * map holds and that is listed unchanged is taken over as it is.
 *
 * @param previous functions of the last map, if it was built with the same options
 */
export const siftFunctions = (
  functions: readonly ListedFunction[],
  isWatched: (namespace: string | undefined) => boolean,
  options: PolicyOptions,
  limits: TopicMapLimits,
  previous: ReadonlyMap<string, DeclaredFunction> | undefined,
): SiftedFunctions => {
  const sieve = new Sieve(limits)
  const declare = (key: string, listed: ListedFunction): DeclaredFunction => {
    const before = previous?.get(key)
    return before?.listed !== undefined && sameListing(before.listed, listed) ? before : declareFunction(key, listed, options, limits)
  }
  for (const listed of functions) siftOne(sieve, listed, isWatched, declare)
  const { ignored, ignoredCount, problems, problemCount } = sieve
  return { declared: inOrder(sieve.declared), ignored, ignoredCount, problems, problemCount }
}
