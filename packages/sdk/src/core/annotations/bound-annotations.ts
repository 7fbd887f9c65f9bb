import { CONNECTOR_PREFIX, RETRY_PREFIX, TOPIC_ANNOTATION } from './annotation-names.ts'
import type { ProblemList } from './problem-list.ts'

/** How much of a function's annotations is kept. Kubernetes allows 256 KiB for all of an object's annotations together. */
export interface AnnotationLimits {
  /** Annotations of a function. @default 256 */
  readonly annotationsPerFunction: number
  /** Characters of a name. @default 320 */
  readonly annotationNameLength: number
  /** Characters of a value. @default 65536 */
  readonly annotationLength: number
  /** Characters of all values of a function. @default 262144 */
  readonly annotationsLength: number
}

const isRead = (name: string): boolean => name === TOPIC_ANNOTATION || name.startsWith(CONNECTOR_PREFIX) || name.startsWith(RETRY_PREFIX)

const fits = (annotations: ReadonlyMap<string, string>, limits: AnnotationLimits): boolean => {
  if (annotations.size > limits.annotationsPerFunction) return false
  let total = 0
  for (const [name, value] of annotations) {
    total += value.length
    if (name.length > limits.annotationNameLength || value.length > limits.annotationLength) return false
  }
  return total <= limits.annotationsLength
}

/**
 * The annotations within the limits; those that somebody reads are taken before the others. What is left out is
 * reported if its name is one of ours.
 */
export const boundAnnotations = (
  annotations: ReadonlyMap<string, string>,
  limits: AnnotationLimits,
  problems: ProblemList,
): ReadonlyMap<string, string> => {
  if (fits(annotations, limits)) return annotations
  const kept = new Map<string, string>()
  let total = 0
  for (const ours of [true, false]) {
    for (const [name, value] of annotations) {
      if (isRead(name) !== ours) continue
      const room = kept.size < limits.annotationsPerFunction && total + value.length <= limits.annotationsLength
      if (room && name.length <= limits.annotationNameLength && value.length <= limits.annotationLength) {
        kept.set(name, value)
        total += value.length
      } else if (ours) {
        problems.add(
          name,
          `it is left out: ${value.length} characters, ${limits.annotationLength} are allowed, and ${limits.annotationsLength} for all`,
        )
      }
    }
  }
  return kept
}
