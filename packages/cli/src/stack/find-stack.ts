import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { MillraceError } from '@millrace/sdk'

const candidates = ['stack.yaml', 'stack.yml', 'examples/stack.yaml'] as const

/**
 * The stack file to use: the one that was named, else `stack.yaml` of this folder, else the examples of the repository.
 *
 * @throws MillraceError `E_CLI_STACK_ABSENT`
 */
export const findStack = (named: string | undefined, cwd: string): string => {
  if (named !== undefined) {
    if (existsSync(resolve(cwd, named))) return resolve(cwd, named)
    throw new MillraceError('E_CLI_STACK_ABSENT', { tried: resolve(cwd, named) })
  }
  const found = candidates.map((file) => join(cwd, file)).find((file) => existsSync(file))
  if (found === undefined) throw new MillraceError('E_CLI_STACK_ABSENT', { tried: `${candidates.join(', ')} in ${cwd}` })
  return found
}
