import { readFile, writeFile } from 'node:fs/promises'
import { configurationPage } from './docs/configuration-page.ts'
import { errorsPage } from './docs/errors-page.ts'
import { metricsPage } from './docs/metrics-page.ts'
import { settingsReadmes, withSettings } from './docs/readme-settings.ts'
import { settleTablePage } from './docs/settle-table-page.ts'

/** Writes the pages of docs/ and the parts of READMEs that come from tables; `--check` fails when one is not what it would write. */
const pages: readonly (readonly [file: string, render: (before: string) => string])[] = [
  ['docs/errors.md', errorsPage],
  ['docs/metrics.md', metricsPage],
  ['docs/configuration.md', configurationPage],
  ['docs/settle-table.md', settleTablePage],
  ...settingsReadmes.map(([file, component]) => [file, (before: string) => withSettings(before, component)] as const),
]

const isCheck = process.argv.includes('--check')
const stale: string[] = []
for (const [file, render] of pages) {
  const target = new URL(`../${file}`, import.meta.url)
  const before = await readFile(target, 'utf8').catch(() => '')
  const text = render(before)
  if (before === text) continue
  stale.push(file)
  if (!isCheck) await writeFile(target, text)
}
if (isCheck && stale.length > 0) {
  console.error(`not what the tables say: ${stale.join(', ')}. Run: npx pnpm@12.21.0 run docs`)
  process.exitCode = 1
} else console.log(stale.length > 0 ? `wrote ${stale.join(', ')}` : `${pages.length} pages are fresh`)
