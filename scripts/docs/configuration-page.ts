import { cronSettings } from '../../packages/cron-connector/src/config.ts'
import { httpSettings } from '../../packages/http-source/src/settings.ts'
import { kafkaSettings } from '../../packages/kafka-connector/src/settings.ts'
import { rabbitmqSettings } from '../../packages/rabbitmq-connector/src/settings/settings.ts'
import { coreSettings } from '../../packages/sdk/src/runtime/config/core-settings.ts'
import type { AnyComponent } from '../../packages/sdk/src/runtime/config/setting-index.ts'
import { page } from './markdown.ts'
import { settingsTable } from './settings-table.ts'

/** Every component with settings. A connector adds its own here. */
export const components = {
  core: coreSettings,
  cron: cronSettings,
  http: httpSettings,
  kafka: kafkaSettings,
  rabbitmq: rabbitmqSettings,
} as const satisfies Readonly<Record<string, AnyComponent>>

const rules = `Sources in order of precedence: flags, environment, the settings file, defaults.

- **Flags**: \`--gateway-url http://gateway:8080\` or \`--gateway-url=...\`; a boolean needs no value, \`--no-debug\` turns one off. One dash works as well.
- **Environment**: the name as it stands here, in lower or upper case. An empty variable counts as absent. A variable of the form \`{SERVICE}_PORT=tcp://...\`, which Kubernetes sets for each Service, is ignored with a warning.
- **Settings file**: YAML, one \`name: value\` a line, named by \`--config\` or \`millrace_config\`.
- **Secrets** come from \`NAME\`, from the file that \`NAME_FILE\` names, or from a file under \`secret_mount_path\`; never from a flag. A file is read again when it changes. A secret in the environment cannot change without a restart.
- **Durations** are Go durations (\`300ms\`, \`1.5h\`, \`2m30s\`); a bare number is refused. **Booleans** are \`true\`, \`1\`, \`false\`, \`0\`.

All mistakes are reported at once, each with the value, where it came from, what is allowed and an example; the exit code is 2. \`--print-config\` prints the configuration in force with the origin of each value and secrets hidden.`

/** docs/configuration.md: every setting of every component. */
export const configurationPage = (): string => {
  const blocks = Object.values(components).flatMap((component) => [`## ${component.title}`, settingsTable(component)])
  return page(
    'Configuration',
    'the settings tables (`packages/sdk/src/runtime/config/*-settings.ts` and `settings.ts` of each connector)',
    [rules, ...blocks],
  )
}
