/**
 * A DNS label as Kubernetes takes it for Services and Deployments, and besides it upper case and `_` inside, which
 * the gateway's route `[-a-zA-Z_0-9.]+` and other providers take too.
 *
 * No dots: the gateway takes what stands after the last dot for the namespace, so a bare `fn.kube-system` would be
 * the function `fn` of another namespace. No provider can create such a function on Kubernetes.
 */
const functionName = /^[a-zA-Z0-9](?:[-_a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$/

const namespaceName = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/

/** True when a name from the gateway may become a part of a URL. */
export const isFunctionName = (name: string): boolean => functionName.test(name)

/** True when a namespace from the gateway may become a part of a URL. */
export const isNamespaceName = (namespace: string): boolean => namespaceName.test(namespace)

/**
 * How a function is called and the key by which it is known everywhere: `NAME.NAMESPACE`, or `NAME` when the gateway
 * knows no namespaces.
 *
 * @returns `undefined` when the name or the namespace is not on the allow-list
 */
export const functionKey = (name: string, namespace?: string): string | undefined => {
  if (!isFunctionName(name)) return undefined
  if (namespace === undefined) return name
  return isNamespaceName(namespace) ? `${name}.${namespace}` : undefined
}

/** The parts of a key, or `undefined` when the text is not a key. */
export const parseFunctionKey = (key: string): { readonly name: string; readonly namespace?: string } | undefined => {
  const dot = key.indexOf('.')
  const name = dot < 0 ? key : key.slice(0, dot)
  if (!isFunctionName(name)) return undefined
  if (dot < 0) return { name }
  const namespace = key.slice(dot + 1)
  return isNamespaceName(namespace) ? { name, namespace } : undefined
}
