/** Why a function that might have been meant does not get a topic. */
export type NearMissCode =
  /** Another spelling of upper and lower case. */
  | 'case'
  /** Blanks or invisible characters differ. */
  | 'blank'
  /** Its namespace is not watched. */
  | 'namespace'
  /** Its filter does not want the event. */
  | 'filter'
  /** Its annotation, name or namespace cannot be used. */
  | 'bad-annotation'

/** Which functions get a topic, and which nearly do. */
export interface Explanation {
  readonly topic: string
  /** `via` is the topic or pattern of the function that matched, the first one in the order of its annotation. */
  readonly matches: readonly { readonly function: string; readonly via: string }[]
  /** Bounded in number; `reason` is one printable sentence. */
  readonly nearMisses: readonly { readonly function: string; readonly code: NearMissCode; readonly reason: string }[]
}
