/** A function that the gateway lists and whose name and namespace passed the allow-list. */
export interface FunctionDeclaration {
  /** As it is called: `NAME` or `NAME.NAMESPACE`. The key everywhere. */
  readonly function: string
  readonly name: string
  readonly namespace?: string
  /** Topics and patterns of the `topic` annotation, trimmed, without repeats. */
  readonly topics: readonly string[]
  readonly annotations: ReadonlyMap<string, string>
  /** Changes with every deployment (image and creation time): a redeployed function is a changed one. */
  readonly revision: string
}

/** What differs between two snapshots. */
export interface FunctionsChange {
  readonly added: readonly FunctionDeclaration[]
  readonly changed: readonly { readonly before: FunctionDeclaration; readonly after: FunctionDeclaration }[]
  readonly removed: readonly FunctionDeclaration[]
}

/** What a source may know of the functions: their declarations, never how they are called. */
export interface FunctionsView {
  /** The last good map. Sources are connected only after the first one. */
  snapshot(): readonly FunctionDeclaration[]
  get(name: string): FunctionDeclaration | undefined
  /** Calls `listener` after each change; a listener that throws is logged. Returns the way to stop. */
  subscribe(listener: (change: FunctionsChange) => void): () => void
}

/** Something wrong with an annotation. It never takes another function down. */
export interface AnnotationProblem {
  readonly function: string
  readonly annotation: string
  /** One sentence: what is wrong, what is allowed. At most 300 characters, encoded. */
  readonly reason: string
}
