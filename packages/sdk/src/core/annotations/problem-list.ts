import type { AnnotationProblem } from '../../contract/functions-view.ts'
import { printable } from '../printable.ts'

/** Longest `reason` of a problem, in characters. */
export const MAX_REASON_LENGTH = 300

/** Longest name of a function or annotation in a problem, in characters. */
const MAX_NAME_LENGTH = 128

/** A problem as it may be logged and shown: encoded and bounded, whatever the annotation holds. */
export const annotationProblem = (functionName: string, annotation: string, reason: string): AnnotationProblem => ({
  function: printable(functionName, MAX_NAME_LENGTH),
  annotation: printable(annotation, MAX_NAME_LENGTH),
  reason: printable(reason, MAX_REASON_LENGTH),
})

/** A value from an annotation as a reason quotes it. */
export const quote = (value: string): string => `\`${printable(value, 60)}\``

/** The problems of one function, bounded in number; the last one then says how many more there are. */
export class ProblemList {
  readonly #functionName: string
  readonly #max: number
  readonly #problems: AnnotationProblem[] = []
  #more = 0

  constructor(functionName: string, max: number) {
    this.#functionName = functionName
    this.#max = max
  }

  add(annotation: string, reason: string): void {
    if (this.#problems.length < this.#max) this.#problems.push(annotationProblem(this.#functionName, annotation, reason))
    else this.#more += 1
  }

  /** The list so far. */
  toArray(): readonly AnnotationProblem[] {
    const last = this.#problems.at(-1)
    if (this.#more === 0 || last === undefined) return this.#problems
    const said = `${printable(last.reason, MAX_REASON_LENGTH - 40)} (and ${this.#more} more problems)`
    return [...this.#problems.slice(0, -1), { ...last, reason: said }]
  }
}
