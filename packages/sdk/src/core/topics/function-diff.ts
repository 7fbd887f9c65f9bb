import type { FunctionDeclaration, FunctionsChange } from '../../contract/functions-view.ts'
import { sameAnnotations } from './declare-function.ts'

type Declarations = ReadonlyMap<string, FunctionDeclaration>

const isSame = (before: FunctionDeclaration, after: FunctionDeclaration): boolean =>
  before === after || (before.revision === after.revision && sameAnnotations(before.annotations, after.annotations))

/** What differs between two sets of declarations, each list in the order of its map. */
export const diffFunctions = (before: Declarations, after: Declarations): FunctionsChange => {
  const added: FunctionDeclaration[] = []
  const changed: { before: FunctionDeclaration; after: FunctionDeclaration }[] = []
  for (const [key, declaration] of after) {
    const earlier = before.get(key)
    if (earlier === undefined) added.push(declaration)
    else if (!isSame(earlier, declaration)) changed.push({ before: earlier, after: declaration })
  }
  const removed = [...before].filter(([key]) => !after.has(key)).map(([, declaration]) => declaration)
  return { added, changed, removed }
}

/** True when nothing differs. */
export const isUnchanged = (change: FunctionsChange): boolean =>
  change.added.length === 0 && change.changed.length === 0 && change.removed.length === 0
