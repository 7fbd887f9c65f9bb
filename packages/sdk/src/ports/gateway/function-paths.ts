import { parseFunctionKey } from '../../core/topics/names.ts'
import type { GatewayUrl } from './gateway-url.ts'

/** Function names come from a list of functions, yet an explicit target may name any; the memory stays bounded. */
const maxRemembered = 10_000

/**
 * Paths of functions below one gateway. A path is made only of a name that passes the allow-list, and what comes out is resolved
 * once more to see that it still is the same path on the same origin.
 *
 * @returns the path, or `undefined` for a name that may not become one
 */
export const functionPaths = (gateway: GatewayUrl, route: 'function' | 'async-function'): ((key: string) => string | undefined) => {
  const known = new Map<string, string>()
  return (key) => {
    const remembered = known.get(key)
    if (remembered !== undefined) return remembered
    const parts = parseFunctionKey(key)
    if (parts === undefined) return undefined
    const name = encodeURIComponent(parts.name)
    const path = `${gateway.prefix}/${route}/${parts.namespace === undefined ? name : `${name}.${encodeURIComponent(parts.namespace)}`}`
    const resolved = new URL(path, gateway.origin)
    if (resolved.origin !== gateway.origin || resolved.pathname !== path || resolved.search !== '') return undefined
    if (known.size >= maxRemembered) known.clear()
    known.set(key, path)
    return path
  }
}
