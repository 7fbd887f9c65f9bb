import type { FunctionDeclaration } from '../../contract/functions-view.ts'
import type { FunctionPolicy } from '../function-policy.ts'

/** A function of the topic map: what it declares, and what that means for its routes. */
export interface MappedFunction {
  readonly declaration: FunctionDeclaration
  readonly policy: FunctionPolicy
}
