import { errorTable } from '../../packages/sdk/src/core/error-table.ts'
import { page } from './markdown.ts'

const areaOf = (code: string): string => code.split('_')[1] ?? ''

const entry = ([code, row]: readonly [string, { message: string; effect: string; fix: string; retryable: boolean }]): string =>
  [
    `### ${code}`,
    row.message,
    [`- **Effect**: ${row.effect}`, `- **Fix**: ${row.fix}`, `- **Trying again may help by itself**: ${row.retryable ? 'yes' : 'no'}`].join(
      '\n',
    ),
  ].join('\n\n')

/** docs/errors.md: every code with what happened, what it means for events and how to fix it. */
export const errorsPage = (): string => {
  const rows = Object.entries(errorTable).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const areas = [...new Set(rows.map(([code]) => areaOf(code)))]
  const blocks = areas.flatMap((area) => [`## ${area}`, ...rows.filter(([code]) => areaOf(code) === area).map(entry)])
  return page('Errors', '`packages/sdk/src/core/error-table.ts`', [
    'Every error of Millrace has a code. A code never changes its meaning. `{name}` stands for a value of the case at hand.',
    ...blocks,
  ])
}
