import type { AnyComponent } from '../../packages/sdk/src/runtime/config/setting-index.ts'
import { components } from './configuration-page.ts'
import { settingsTable } from './settings-table.ts'

/** READMEs that hold the settings of a component between two markers: the package on its own must name what it reads. */
export const settingsReadmes: readonly (readonly [file: string, component: AnyComponent])[] = [
  ['packages/cron-connector/README.md', components.cron],
  ['packages/http-source/README.md', components.http],
  ['packages/kafka-connector/README.md', components.kafka],
  ['packages/rabbitmq-connector/README.md', components.rabbitmq],
]

const begin = '<!-- settings: written by `pnpm run docs` from the settings table. Change that, not this. -->'
const end = '<!-- /settings -->'

/** The README with a fresh table. @throws Error when it has not exactly one pair of markers, in this order */
export const withSettings = (readme: string, component: AnyComponent): string => {
  const [before, between, ...more] = readme.split(begin)
  const [, after, ...again] = between?.split(end) ?? []
  if (before === undefined || after === undefined || more.length > 0 || again.length > 0 || before.includes(end))
    throw new Error(`it needs one line ${begin} and below it one line ${end}`)
  return `${before}${begin}\n${settingsTable(component)}\n${end}${after}`
}
