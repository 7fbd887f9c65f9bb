import { cronSettings } from '@millrace/cron-connector'
import { httpSettings } from '@millrace/http-source'
import { kafkaSettings } from '@millrace/kafka-connector'
import { rabbitmqSettings } from '@millrace/rabbitmq-connector'
import type { RabbitmqConfig } from '@millrace/rabbitmq-connector'
import { ConfigError, coreSettings, loadConfig, nodeFileReader } from '@millrace/sdk'
import type { CoreConfig } from '@millrace/sdk'
import { settingArguments } from '../settings.ts'
import type { CliIo } from '../io.ts'
import { amongOthers } from '../shared-settings.ts'
import type { Finding } from './finding.ts'

type ConfigProblem = ConfigError['problems'][number]

/** One file may serve several connectors. */
const components = {
  core: coreSettings,
  http: httpSettings,
  cron: cronSettings,
  kafka: amongOthers(kafkaSettings),
  rabbitmq: amongOthers(rabbitmqSettings),
}

const findingOf = ({ name, reason, value, origin, allowed, example, suggestion }: ConfigProblem): Finding => {
  const [, file, line] = /^(.+):(\d+)$/.exec(origin ?? '') ?? []
  const more = [
    value === undefined ? undefined : `value ${value}`,
    file === undefined && origin !== undefined ? `from ${origin}` : undefined,
    allowed === undefined ? undefined : `allowed: ${allowed}`,
    example === undefined ? undefined : `example: ${example}`,
    suggestion === undefined ? undefined : `meant: ${suggestion}?`,
  ].filter((part) => part !== undefined)
  return {
    severity: 'problem',
    code: 'config',
    reason: [`${name}: ${reason}`, ...more].join('; '),
    ...(file !== undefined && { file, line: Number(line) }),
  }
}

/** What `checkConfig` gives. */
export interface CheckedConfig {
  readonly findings: readonly Finding[]
  readonly core: CoreConfig
  readonly timezone: string
  /** `isGiven`: somebody has set something of it. */
  readonly rabbitmq: { readonly config: RabbitmqConfig; readonly isGiven: boolean }
}

type Loaded = Awaited<ReturnType<typeof loadConfig<typeof components>>>

const valuesOf = ({ values, entries }: Loaded): Omit<CheckedConfig, 'findings'> => ({
  core: values.core,
  timezone: values.cron.timezone,
  rabbitmq: {
    config: values.rabbitmq,
    isGiven: entries.some(({ component, origin }) => component === 'rabbitmq' && origin !== undefined && origin !== 'default'),
  },
})

/** The configuration as the connectors would read it, and what is wrong with it. With mistakes in it, the defaults go on. */
export const checkConfig = async (config: string | undefined, io: CliIo): Promise<CheckedConfig> => {
  const load = (argv: readonly string[], env: CliIo['env']): Promise<Loaded> => loadConfig(components, { argv, env, files: nodeFileReader })
  try {
    const loaded = await load(settingArguments(config === undefined ? {} : { config }), io.env)
    const findings = loaded.warnings.map((reason): Finding => ({ severity: 'warning', code: 'config', reason }))
    return { findings, ...valuesOf(loaded) }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { findings: error.problems.map(findingOf), ...valuesOf(await load([], {})) }
  }
}
