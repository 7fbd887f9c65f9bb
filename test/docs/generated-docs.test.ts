import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { httpMetrics } from '../../packages/http-source/src/metrics.ts'
import { kafkaMetrics } from '../../packages/kafka-connector/src/metrics.ts'
import { rabbitmqMetrics } from '../../packages/rabbitmq-connector/src/metrics/metrics.ts'
import { errorTable } from '../../packages/sdk/src/core/errors.ts'
import { settleTable } from '../../packages/sdk/src/core/settle/table.ts'
import { metricsTable } from '../../packages/sdk/src/ports/metrics/metrics-table.ts'
import type { MetricRow } from '../../packages/sdk/src/ports/metrics/metrics-table.ts'
import { components, configurationPage } from '../../scripts/docs/configuration-page.ts'
import { errorsPage } from '../../scripts/docs/errors-page.ts'
import { metricsPage } from '../../scripts/docs/metrics-page.ts'
import { settingsReadmes, withSettings } from '../../scripts/docs/readme-settings.ts'
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

test.each(settingsReadmes)('the settings of %s are what its table says', async (file, component) => {
  const text = await readFile(new URL(`../../${file}`, import.meta.url), 'utf8')
  expect(text === withSettings(text, component), 'stale: run npx pnpm@12.21.0 run docs').toBe(true)
  const rows = names(text, /^\| `(\w+)` \| .* \|$/gm)
  expect(rows).toEqual(expect.arrayContaining(Object.values(component.settings).map(({ name }) => name)))
})

test('a README without its markers, or with two pairs, is refused and not written', () => {
  const [begin, end] = [
    '<!-- settings: written by `pnpm run docs` from the settings table. Change that, not this. -->',
    '<!-- /settings -->',
  ]
  for (const text of ['', begin, end, `${end}${begin}`, `${begin}${end}${begin}${end}`, `${begin}${end}${end}`])
    expect(() => withSettings(text, components.cron)).toThrow('it needs one line')
  expect(withSettings(`a\n${begin}\nold\n${end}\nb`, components.cron)).toMatch(/^a\n<!-- .*\n\| setting [^]*\n<!-- \/settings -->\nb$/)
})

test('each page names every row of its table, and nothing else', () => {
  expect(names(errorsPage(), /^### (\w+)$/gm).toSorted()).toEqual(Object.keys(errorTable).toSorted())
  expect([...new Set(names(metricsPage(), /^\| `(millrace_\w+)`/gm))]).toEqual(
    Object.keys({ ...metricsTable, ...httpMetrics, ...kafkaMetrics, ...rabbitmqMetrics }),
  )
  const aliases = Object.values<MetricRow>({ ...kafkaMetrics, ...rabbitmqMetrics }).flatMap(({ also = [] }) => also.map(({ name }) => name))
  expect(aliases.length).toBeGreaterThan(0)
  expect(names(metricsPage(), /^\| `((?:kafka|rabbitmq)_connector_\w+)`/gm)).toEqual(aliases)
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
