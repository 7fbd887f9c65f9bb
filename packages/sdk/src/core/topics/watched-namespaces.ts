/** Which namespaces are watched. */
export interface NamespaceSelection {
  /** These only. Absent or empty: all. */
  readonly allow?: readonly string[]
  /** Not these, whatever `allow` says. */
  readonly deny?: readonly string[]
}

/**
 * Decides whether a function's namespace is watched; `undefined` is a gateway without namespaces, whose functions are
 * watched unless `allow` names some: nobody can say that they are in one of those.
 */
export const namespaceSelector = (selection: NamespaceSelection = {}): ((namespace: string | undefined) => boolean) => {
  const allow = selection.allow === undefined || selection.allow.length === 0 ? undefined : new Set(selection.allow)
  const deny = new Set(selection.deny)
  return (namespace) => {
    if (namespace === undefined) return allow === undefined
    return !deny.has(namespace) && (allow === undefined || allow.has(namespace))
  }
}
