import { parseFunctionKey } from '../../core/topics/names.ts'
import type { GatewayUrl } from './gateway-url.ts'

/**
 * Paths of functions below one gateway. A path is made only of a name that passes the allow-list: letters, digits, `-` and `_`, of
 * which none needs encoding or means anything in a path. So nothing is looked up again for each call, and nothing is remembered.
 *
 * @returns the path, or `undefined` for a name that may not become one
 */
export const functionPaths = (gateway: GatewayUrl, route: 'function' | 'async-function'): ((key: string) => string | undefined) => {
  const base = `${gateway.prefix}/${route}/`
  return (key) => (parseFunctionKey(key) === undefined ? undefined : base + key)
}
