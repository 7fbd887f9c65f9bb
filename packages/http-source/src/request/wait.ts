import { parseGoDuration } from '@millrace/sdk'
import { Problem } from '../problem.ts'

const refuse = (detail: string, fix: string): never => {
  throw new Problem('bad-query', { detail, fix })
}

/**
 * How long the client waits for the results, from the query: `wait=true` for the longest time, `wait=30s` (a Go duration), or
 * `wait=false`. A parameter that is not known is refused: a typing error must not turn a wait into a receipt.
 *
 * @returns milliseconds; `undefined` for a client that wants the receipt only
 * @throws Problem `bad-query`
 */
export const readWait = (query: string, maxWaitMs: number): number | undefined => {
  const parameters = [...new URLSearchParams(query)]
  const examples = 'Use ?wait=true, or a duration such as ?wait=30s.'
  if (parameters.some(([name]) => name !== 'wait'))
    return refuse('The query has a parameter that is not known.', `The only one is wait. ${examples}`)
  if (parameters.length > 1) return refuse('The parameter wait is given more than once.', examples)
  const value = parameters[0]?.[1]
  if (value === undefined || value === 'false') return undefined
  if (value === 'true') return maxWaitMs
  const ms = parseGoDuration(value)
  if (ms === undefined || ms <= 0) return refuse('The value of wait is neither true, false nor a duration.', examples)
  if (ms > maxWaitMs) return refuse(`The wait is longer than ${maxWaitMs / 1000}s, the longest that is allowed.`, examples)
  return ms
}
