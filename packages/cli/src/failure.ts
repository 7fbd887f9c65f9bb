import { isMillraceError, MillraceError } from '@millrace/sdk'
import type { ErrorCode } from '@millrace/sdk'

/** What a person wrote wrongly, on the command line or in a file: exit code 2. Everything else that fails: 1. */
const ofThePerson: ReadonlySet<string> = new Set<ErrorCode>([
  'E_CLI_INPUT',
  'E_CLI_STACK_ABSENT',
  'E_CLI_USAGE',
  'E_CONFIG_INVALID',
  'E_FAULTPLAN_INVALID',
  'E_STACK_HANDLER',
  'E_STACK_INVALID',
  'E_STACK_READ',
])

/** What helps in this command line, where the error's own advice speaks of another program. */
const hints: ReadonlyMap<string, string> = new Map<ErrorCode, string>([
  ['E_DEVGATEWAY_PORT_IN_USE', 'with millrace dev the flag is --gateway-port; 0 picks a free port'],
  ['E_HTTP_PORT_IN_USE', 'with millrace dev the flag is --events-port; 0 picks a free port'],
  ['E_ADMIN_PORT_IN_USE', 'with millrace dev the flag is --admin-port; 0 picks a free port'],
  [
    'E_JOURNAL_LOCKED',
    'with millrace dev, --data-dir DIR gives this one a directory of its own; with millrace replay, wait for the other one to end',
  ],
])

export const exitCodeOf = (error: unknown): 1 | 2 => (isMillraceError(error) && ofThePerson.has(error.code) ? 2 : 1)

/** A line to add to what was printed, or nothing. */
export const hintFor = (error: unknown): string => {
  const hint = isMillraceError(error) ? hints.get(error.code) : undefined
  return hint === undefined ? '' : `  here   ${hint}\n`
}

/** The error for a command line that cannot be right. */
export const wrongUsage = (command: string, reason: string): MillraceError => new MillraceError('E_CLI_USAGE', { command, reason })
