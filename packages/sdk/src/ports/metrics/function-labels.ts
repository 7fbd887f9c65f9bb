/** `NAME.NAMESPACE` as two labels; a function without a namespace has an empty one. Names with dots do not exist: they are DNS labels. */
export const functionLabels = (name: string): { readonly function: string; readonly namespace: string } => {
  const dot = name.indexOf('.')
  return dot < 0 ? { function: name, namespace: '' } : { function: name.slice(0, dot), namespace: name.slice(dot + 1) }
}
