import { coreSettings, loadConfig, nodeFileReader } from '@millrace/sdk'
import type { CoreConfig } from '@millrace/sdk'
import type { CliIo } from './io.ts'

/** Flags of a command that are settings of every connector. */
export interface SettingFlags {
  readonly config?: string
  readonly gateway?: string
}

/** Arguments as `loadConfig` reads them. */
export const settingArguments = ({ config, gateway }: SettingFlags): string[] => [
  ...(config === undefined ? [] : [`--config=${config}`]),
  ...(gateway === undefined ? [] : [`--gateway-url=${gateway}`]),
]

/** What a command finds set: the values, and whether somebody has named a gateway. */
export interface FoundSettings {
  readonly core: CoreConfig
  readonly gatewayIsGiven: boolean
}

/**
 * The settings of every connector, from the same places as a connector reads them.
 *
 * @throws ConfigError
 */
export const readSettings = async (flags: SettingFlags, io: CliIo): Promise<FoundSettings> => {
  const { values, entries } = await loadConfig(
    { core: coreSettings },
    { argv: settingArguments(flags), env: io.env, files: nodeFileReader },
  )
  const origin = entries.find(({ name }) => name === 'gateway_url')?.origin
  return { core: values.core, gatewayIsGiven: origin !== 'default' }
}
