import { settleTable } from '../../packages/sdk/src/core/settle/table.ts'
import type { Action, SettleRow } from '../../packages/sdk/src/core/settle/table.ts'
import { code, page, table } from './markdown.ts'

const clocks: Readonly<Record<string, string>> = {
  attempts: 'the counted attempts',
  'not-found': 'the clock of 404',
  denied: 'the clock of 401 and 403',
  redirect: 'the clock of redirects',
  unavailable: 'a slow clock',
}

const actionText = (action: Action): string => {
  if (action.kind === 'done') return 'done'
  if (action.kind === 'dead-letter') return `dead letter at once, reason ${code(action.reason)}`
  return `retry by ${clocks[action.clock] ?? action.clock}, then dead letter, reason ${code(action.whenOver)}`
}

const counts: Readonly<Record<SettleRow['counts'], string>> = {
  yes: 'yes',
  no: 'no',
  'while-gateway-up': 'not while the gateway breaker is open',
}

const feeds: Readonly<Record<SettleRow['feeds'], string>> = {
  success: 'success',
  nothing: 'nothing',
  function: 'failure of the function',
  'function-or-shared': 'failure of the function, or of the gateway when several functions fail alike',
  gateway: 'failure of the gateway',
}

/** docs/settle-table.md: what one attempt means. */
export const settleTablePage = (): string =>
  page('The settle table', '`packages/sdk/src/core/settle/table.ts`', [
    'What each attempt means: one row for whatever a function or the gateway answers. Malformed framing (S11) is tested before the status; a listed status wins over its class.',
    table(
      ['row', 'what came back', 'what is done', 'counts as an attempt', 'says to the breaker', 'note'],
      Object.values<SettleRow>(settleTable).map((row) => [
        row.id,
        row.seen,
        actionText(row.action) + (row.retryAfter === true ? '; `Retry-After` is obeyed' : ''),
        counts[row.counts],
        feeds[row.feeds] + (row.trips === true ? '; opens it at once' : ''),
        row.note,
      ]),
    ),
  ])
