import { annotationProblem } from '@millrace/sdk'
import type { AnnotationProblem, FunctionDeclaration } from '@millrace/sdk'
import { annotationName } from './annotations.ts'

/** Messages of one request at most; 1: the function wants no batches. */
export const batchSizeOf = ({ annotations }: Pick<FunctionDeclaration, 'annotations'>): number => {
  const text = annotations.get(annotationName('batch-size'))?.trim() ?? ''
  return /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 1
}

/** What of a queue bounds its batches. */
export interface BatchBounds {
  readonly prefetch: number
  /** It gives one message at a time, since its order is kept by nobody else. */
  readonly serial: boolean
}

/** What keeps the batches of a function from ever being full: it works, and not as it was meant. */
export const batchProblems = (declared: FunctionDeclaration, { prefetch, serial }: BatchBounds): readonly AnnotationProblem[] => {
  const size = batchSizeOf(declared)
  if (size === 1) return []
  const complain = (reason: string): readonly AnnotationProblem[] => [
    annotationProblem(declared.function, annotationName('batch-size'), `\`${size}\` is never reached: ${reason}`),
  ]
  if (serial)
    return complain('a queue with single-active-consumer gives one message at a time unless order of all its functions is key or partition')
  return size > prefetch ? complain(`prefetch of the queue is ${prefetch}, so that no more messages are there at once`) : []
}
