import type { AnySetting, Components } from './setting-index.ts'

const flagOf = (setting: AnySetting): string => {
  const flag = `--${setting.name.replaceAll('_', '-')}${setting.secret ? '-file' : ''}`
  return setting.kind === 'boolean' ? flag : `${flag} ${setting.secret ? 'PATH' : setting.kind.toUpperCase()}`
}

const describe = (setting: AnySetting): string => {
  const fallback =
    setting.default === undefined
      ? setting.required
        ? 'required'
        : 'optional'
      : `default ${setting.default === '' ? 'empty' : setting.default}`
  return `  ${flagOf(setting)}\n      ${setting.describe} (${fallback}; env ${setting.name})`
}

/** What `--help` prints. Ends with a newline. */
export const helpText = (options: { readonly usage: string; readonly components: Components }): string => {
  const blocks = Object.values(options.components).map((component) =>
    [`${component.title}:`, ...Object.values(component.settings).map(describe)].join('\n'),
  )
  const general = [
    'General:',
    '  --config PATH\n      A settings file in YAML (env millrace_config)',
    '  --print-config\n      Print the configuration with the origin of each value, secrets hidden, and exit',
    '  --help, --version',
  ].join('\n')
  return `Usage: ${options.usage}\n\n${[general, ...blocks].join('\n\n')}\n`
}
