import type { PathSegment } from './json-path.ts'

/** A JSON value without members. */
export type Scalar = string | number | boolean | null

/** What a clause looks at. */
export type Subject =
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'attribute'; readonly name: 'topic' | 'type' | 'source' }
  | { readonly kind: 'path'; readonly path: readonly PathSegment[] }

/** What a clause asks of it. */
export type Test =
  | { readonly kind: 'present' }
  | { readonly kind: 'equal'; readonly value: Scalar }
  /** Also holds for what is absent. */
  | { readonly kind: 'unequal'; readonly value: Scalar }
  | { readonly kind: 'prefix'; readonly value: string }
  | { readonly kind: 'suffix'; readonly value: string }
  | { readonly kind: 'in'; readonly values: readonly Scalar[] }

/** One condition of a filter. */
export interface Clause {
  /** As written, trimmed. */
  readonly text: string
  readonly subject: Subject
  readonly test: Test
}
