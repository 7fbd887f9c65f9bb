import { redacted } from '../../core/secret.ts'
import type { ConfigEntry } from './load-config.ts'

type Printable = Pick<ConfigEntry, 'name' | 'value' | 'secret' | 'origin'>

/** Plain where YAML reads it as the same text, quoted elsewhere. */
const yamlText = (text: string): string => (/^[A-Za-z0-9/][\w./:@+-]*$/.test(text) ? text : JSON.stringify(text))

const yamlValue = (value: string | readonly string[]): string =>
  typeof value === 'string' ? yamlText(value) : `[${value.map((item) => JSON.stringify(item)).join(', ')}]`

const line = (entry: Printable): string => {
  if (entry.origin === undefined) return `# ${entry.name}:`
  if (entry.value === undefined)
    return `# ${entry.name}: ${entry.secret ? redacted : '...'}  # ${JSON.stringify(entry.origin).slice(1, -1)}`
  return `${entry.name}: ${yamlValue(entry.value)}  # ${JSON.stringify(entry.origin).slice(1, -1)}`
}

/** The configuration as a settings file with the origin of each value; secrets are hidden, absent settings are comments. Ends with a newline. */
export const printConfig = (config: { readonly entries: readonly ConfigEntry[] }): string => {
  const components = [...new Set(config.entries.map((entry) => entry.component))]
  const blocks = components.map((component) =>
    [`# ${component}`, ...config.entries.filter((entry) => entry.component === component).map(line)].join('\n'),
  )
  return `${blocks.join('\n\n')}\n`
}

/** The configuration for `/config`: a value as it was written, `[redacted]` for a secret that is set. */
export const describeConfig = (config: {
  readonly entries: readonly ConfigEntry[]
}): readonly {
  readonly component: string
  readonly name: string
  readonly value: ConfigEntry['value'] | null
  readonly origin: string | null
}[] =>
  config.entries.map(({ component, name, value, secret, origin }) => ({
    component,
    name,
    value: secret && origin !== undefined ? redacted : (value ?? null),
    origin: origin ?? null,
  }))
