import { readFile, writeFile } from 'node:fs/promises'
import { configurationPage } from './docs/configuration-page.ts'
import { errorsPage } from './docs/errors-page.ts'
import { metricsPage } from './docs/metrics-page.ts'
import { settleTablePage } from './docs/settle-table-page.ts'

/** Writes the pages of docs/ that come from tables; `--check` fails when one of them is not what it would write. */
const pages: readonly (readonly [file: string, render: () => string])[] = [
  ['errors.md', errorsPage],
  ['metrics.md', metricsPage],
  ['configuration.md', configurationPage],
  ['settle-table.md', settleTablePage],
]

const isCheck = process.argv.includes('--check')
const stale: string[] = []
for (const [file, render] of pages) {
  const target = new URL(`../docs/${file}`, import.meta.url)
  const text = render()
  const before = await readFile(target, 'utf8').catch(() => '')
  if (before === text) continue
  stale.push(`docs/${file}`)
  if (!isCheck) await writeFile(target, text)
}
if (isCheck && stale.length > 0) {
  console.error(`not what the tables say: ${stale.join(', ')}. Run: npx pnpm@12.21.0 run docs`)
  process.exitCode = 1
} else console.log(stale.length > 0 ? `wrote ${stale.join(', ')}` : `${pages.length} pages are fresh`)
