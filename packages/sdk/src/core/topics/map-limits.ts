import type { AnnotationLimits } from '../annotations/bound-annotations.ts'
import type { TopicLimits } from '../annotations/read-topics.ts'

/** What bounds a topic map, whatever the gateway lists. */
export interface TopicMapLimits extends AnnotationLimits, TopicLimits {
  /** Problems kept of one function. @default 20 */
  readonly problemsPerFunction: number
  /** Problems kept in all; `problemCount` counts on. @default 1000 */
  readonly problems: number
  /** Functions outside the watched namespaces, or with a bad name, that `explain` knows. @default 1000 */
  readonly ignored: number
  /** Topics whose match is remembered, per generation of two. @default 4096 */
  readonly cachedTopics: number
  /** Functions in all remembered matches, per generation. @default 500000 */
  readonly cachedResults: number
  /** Near misses in an explanation. @default 100 */
  readonly nearMisses: number
}

/** The limits when nothing is said. */
export const defaultTopicMapLimits: TopicMapLimits = {
  annotationsPerFunction: 256,
  annotationNameLength: 320,
  annotationLength: 65_536,
  annotationsLength: 262_144,
  topicAnnotationLength: 16_384,
  topicsPerFunction: 256,
  problemsPerFunction: 20,
  problems: 1000,
  ignored: 1000,
  cachedTopics: 4096,
  cachedResults: 500_000,
  nearMisses: 100,
}
