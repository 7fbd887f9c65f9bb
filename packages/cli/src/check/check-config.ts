import { cronSettings } from '@millrace/cron-connector'
import { httpSettings } from '@millrace/http-source'
import { ConfigError, coreSettings, loadConfig, nodeFileReader } from '@millrace/sdk'
import type { CoreConfig } from '@millrace/sdk'
import { settingArguments } from '../settings.ts'
import type { CliIo } from '../io.ts'
import type { Finding } from './finding.ts'

type ConfigProblem = ConfigError['problems'][number]

/** One file may serve several connectors. */
const components = { core: coreSettings, http: httpSettings, cron: cronSettings }

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

/** The configuration as the connectors would read it, and what is wrong with it. With mistakes in it, the defaults go on. */
export const checkConfig = async (
  config: string | undefined,
  io: CliIo,
): Promise<{ readonly findings: readonly Finding[]; readonly core: CoreConfig; readonly timezone: string }> => {
  const load = (argv: readonly string[], env: CliIo['env']): ReturnType<typeof loadConfig<typeof components>> =>
    loadConfig(components, { argv, env, files: nodeFileReader })
  try {
    const { values, warnings } = await load(settingArguments(config === undefined ? {} : { config }), io.env)
    const findings = warnings.map((reason): Finding => ({ severity: 'warning', code: 'config', reason }))
    return { findings, core: values.core, timezone: values.cron.timezone }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const { values } = await load([], {})
    return { findings: error.problems.map(findingOf), core: values.core, timezone: values.cron.timezone }
  }
}
