import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { errorTable } from '../../packages/sdk/src/core/errors.ts'
import { settleTable } from '../../packages/sdk/src/core/settle/table.ts'
import { metricsTable } from '../../packages/sdk/src/ports/metrics/metrics-table.ts'
import { components, configurationPage } from '../../scripts/docs/configuration-page.ts'
import { errorsPage } from '../../scripts/docs/errors-page.ts'
import { metricsPage } from '../../scripts/docs/metrics-page.ts'
import { settleTablePage } from '../../scripts/docs/settle-table-page.ts'

const names = (text: string, pattern: RegExp): readonly string[] => [...text.matchAll(pattern)].map((match) => match[1] ?? '')

const pages: readonly (readonly [file: string, render: () => string])[] = [
  ['errors.md', errorsPage],
  ['metrics.md', metricsPage],
  ['configuration.md', configurationPage],
  ['settle-table.md', settleTablePage],
]

test.each(pages)('docs/%s is what its table says', async (file, render) => {
  const text = await readFile(new URL(`../../docs/${file}`, import.meta.url), 'utf8')
  expect(text === render(), 'stale: run npx pnpm@12.21.0 run docs').toBe(true)
})

test('each page names every row of its table, and nothing else', () => {
  expect(names(errorsPage(), /^### (\w+)$/gm).toSorted()).toEqual(Object.keys(errorTable).toSorted())
  expect([...new Set(names(metricsPage(), /^\| `(millrace_\w+)`/gm))]).toEqual(Object.keys(metricsTable))
  expect(names(settleTablePage(), /^\| (S[\w-]+) \|/gm)).toEqual(Object.keys(settleTable))
  const settings = Object.values(components).flatMap((component) => Object.values(component.settings).map((setting) => setting.name))
  expect(names(configurationPage(), /^\| `(\w+)` \|/gm)).toEqual(settings)
})

test.each(pages)('the tables of docs/%s have the same number of cells in each row', (_file, render) => {
  const cells = (line: string): number => line.replaceAll(String.raw`\|`, '').split('|').length
  const lines = render().split('\n')
  for (const [index, line] of lines.entries()) {
    const next = lines[index + 1] ?? ''
    if (line.startsWith('|') && next.startsWith('|')) expect(cells(next)).toBe(cells(line))
  }
})
