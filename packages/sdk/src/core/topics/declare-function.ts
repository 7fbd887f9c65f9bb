import { boundAnnotations } from '../annotations/bound-annotations.ts'
import { ProblemList } from '../annotations/problem-list.ts'
import { readPolicy } from '../annotations/read-policy.ts'
import type { PolicyOptions } from '../annotations/read-policy.ts'
import { readTopics } from '../annotations/read-topics.ts'
import type { AnnotationProblem, FunctionDeclaration } from '../../contract/functions-view.ts'
import type { ListedFunction } from './listed-function.ts'
import type { MappedFunction } from './mapped-function.ts'
import type { TopicMapLimits } from './map-limits.ts'
import type { TopicPattern } from './pattern.ts'
import { revisionHash } from './revision.ts'

/** One function of a map with everything that was worked out for it: taken over by the next map if nothing changed. */
export interface DeclaredFunction {
  /** What the gateway said; absent when it was too long to be kept, which is worked out anew each time. */
  readonly listed?: ListedFunction
  readonly mapped: MappedFunction
  readonly patterns: readonly TopicPattern[]
  readonly problems: readonly AnnotationProblem[]
}

const flatten = (annotations: ReadonlyMap<string, string>): string[] => {
  const flat: string[] = []
  for (const [name, value] of annotations) flat.push(name, value)
  return flat
}

/** Works out a function whose name passed the allow-list. Never throws. */
export const declareFunction = (key: string, listed: ListedFunction, options: PolicyOptions, limits: TopicMapLimits): DeclaredFunction => {
  const problems = new ProblemList(key, limits.problemsPerFunction)
  const annotations = boundAnnotations(listed.annotations, limits, problems)
  const patterns = readTopics(annotations, limits, problems)
  const revision = revisionHash([listed.image ?? '', listed.createdAt ?? ''])
  const declaration: FunctionDeclaration = {
    function: key,
    name: listed.name,
    ...(listed.namespace === undefined || listed.namespace === '' ? {} : { namespace: listed.namespace }),
    topics: patterns.map((pattern) => pattern.text),
    annotations,
    revision,
  }
  const policy = readPolicy(key, `${revision}-${revisionHash(flatten(annotations))}`, annotations, options, problems)
  return {
    ...(annotations === listed.annotations ? { listed } : {}),
    mapped: { declaration, policy },
    patterns,
    problems: problems.toArray(),
  }
}

/** True when both maps hold the same annotations. */
export const sameAnnotations = (left: ReadonlyMap<string, string>, right: ReadonlyMap<string, string>): boolean => {
  if (left === right) return true
  if (left.size !== right.size) return false
  for (const [name, value] of left) if (right.get(name) !== value) return false
  return true
}

/** True when the gateway says the same about a function as before. */
export const sameListing = (left: ListedFunction, right: ListedFunction): boolean =>
  left.image === right.image && left.createdAt === right.createdAt && sameAnnotations(left.annotations, right.annotations)
