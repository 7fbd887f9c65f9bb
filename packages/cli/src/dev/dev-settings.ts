import { join, resolve } from 'node:path'
import { cronSettings } from '@millrace/cron-connector'
import { httpSettings } from '@millrace/http-source'
import type { HttpConfig } from '@millrace/http-source'
import { kafkaSettings } from '@millrace/kafka-connector'
import type { KafkaConfig } from '@millrace/kafka-connector'
import { rabbitmqSettings } from '@millrace/rabbitmq-connector'
import type { RabbitmqConfig } from '@millrace/rabbitmq-connector'
import {
  choice,
  coreSettings,
  describeConfig,
  integer,
  loadConfig,
  nodeFileReader,
  optionalSetting,
  path,
  printConfig,
  setting,
  text,
} from '@millrace/sdk'
import type { Component, ConfigEntry, CoreConfig } from '@millrace/sdk'
import type { CliIo } from '../io.ts'
import { amongOthers } from '../shared-settings.ts'

/** The settings of `dev` alone. */
interface OwnConfig {
  readonly stackFile: string | undefined
  readonly gatewayHost: string
  readonly gatewayPort: number
  readonly faultPlan: string | undefined
  readonly dataDir: string
  readonly output: 'text' | 'json'
}

const ownSettings: Component<OwnConfig> = {
  title: 'millrace dev',
  settings: {
    stackFile: optionalSetting({
      name: 'stack_file',
      type: path(),
      describe: 'Stack file of the functions; else stack.yaml here, else examples/stack.yaml.',
      example: 'stack.yaml',
    }),
    gatewayHost: setting({
      name: 'gateway_host',
      type: text({ maxLength: 255, pattern: /^[\w.:-]+$/, allowed: 'an address or a host name' }),
      default: '127.0.0.1',
      describe: 'Address of the embedded gateway.',
      example: '0.0.0.0',
    }),
    gatewayPort: setting({
      name: 'gateway_port',
      type: integer(0, 65_535),
      default: '8080',
      describe: 'Port of the embedded gateway; 0 takes a free one.',
      example: '9080',
    }),
    faultPlan: optionalSetting({ name: 'fault_plan', type: path(), describe: 'Answer some calls wrongly.', example: 'faults.yaml' }),
    dataDir: setting({
      name: 'data_dir',
      type: path('a directory'),
      default: '.millrace',
      describe: 'Where state, accepted events and dead letters are kept, unless state_dir and dead_letter_dir say otherwise.',
      example: '/tmp/millrace',
    }),
    output: setting({
      name: 'output',
      type: choice(['text', 'json']),
      default: 'text',
      describe: 'Lines for people, or one JSON object a line.',
      example: 'json',
    }),
  },
}

/** The same component with other defaults, by the keys of its interface. */
const withDefaults = <V extends object>(component: Component<V>, defaults: Partial<Record<keyof V, string>>): Component<V> => {
  const changed = Object.entries(defaults).map(([key, value]) => [key, { ...component.settings[key as keyof V], default: value as string }])
  return { ...component, settings: { ...component.settings, ...(Object.fromEntries(changed) as object) } }
}

const components = {
  dev: ownSettings,
  core: withDefaults(coreSettings, { adminHost: '127.0.0.1', adminPort: '8082', rebuildIntervalMs: '2s' }),
  http: withDefaults<HttpConfig>(httpSettings, { eventsPort: '8081' }),
  cron: cronSettings,
  // Dead letters of all sources go to the data directory, and a connector that runs elsewhere keeps its group to itself.
  kafka: withDefaults<KafkaConfig>(amongOthers(kafkaSettings), { deadLetters: 'none', group: 'millrace-dev' }),
  // Queues that functions name are made, so that there is something to send to; nothing else is.
  rabbitmq: withDefaults<RabbitmqConfig>(amongOthers(rabbitmqSettings), {
    deadLetters: 'none',
    declareTopics: 'true',
    retryDelaysMs: 'none',
    connectionName: 'millrace-dev',
  }),
}

/** Everything that `dev` runs with. */
export interface DevConfig {
  readonly own: OwnConfig
  /** Directories filled in. `gatewayUrl` is that of a real gateway, or still has to be replaced. */
  readonly core: CoreConfig
  readonly http: HttpConfig
  readonly cron: { readonly timezone: string }
  /** Absent: nobody named a broker. */
  readonly kafka?: KafkaConfig
  /** Absent: nobody named a broker of RabbitMQ. */
  readonly rabbitmq?: RabbitmqConfig
  /** Somebody named a gateway: there is no embedded one. */
  readonly realGateway: boolean
  readonly warnings: readonly string[]
  /** For `/config`, once the gateway's URL is known. */
  describe(gatewayUrl: string): unknown
  /** The text of `--print-config`, if it was asked for. */
  readonly printed?: string
}

/** A setting as `dev` runs with it where nobody has set it, and why. */
type Filled = Pick<ConfigEntry, 'name' | 'value' | 'origin'>

const entriesWith = (entries: readonly ConfigEntry[], filled: readonly Filled[]): readonly ConfigEntry[] =>
  entries.map((entry) =>
    (entry.origin ?? 'default') === 'default' ? { ...entry, ...filled.find(({ name }) => name === entry.name) } : entry,
  )

/**
 * Flags, environment, settings file and defaults of `dev`.
 *
 * @throws ConfigError with everything that is wrong
 */
export const readDevConfig = async (argv: readonly string[], io: CliIo): Promise<DevConfig> => {
  const config = await loadConfig(components, { argv, env: io.env, files: nodeFileReader })
  const { dev: own, core, http, cron, kafka, rabbitmq } = config.values
  const isGiven = (setting: string): boolean => config.entries.find(({ name }) => name === setting)?.origin !== 'default'
  const realGateway = isGiven('gateway_url')
  const directory = resolve(io.cwd, own.dataDir)
  const [stateDir, deadLetterDir] = [core.stateDir ?? directory, core.deadLetterDir ?? join(directory, 'dead-letters')]
  const directories: readonly Filled[] = [
    { name: 'state_dir', value: stateDir, origin: 'data_dir' },
    { name: 'dead_letter_dir', value: deadLetterDir, origin: 'data_dir' },
  ]
  const gateway = (url: string): readonly Filled[] =>
    realGateway ? [] : [{ name: 'gateway_url', value: url, origin: 'the embedded gateway' }]
  return {
    own,
    core: { ...core, stateDir, deadLetterDir },
    http,
    cron,
    ...(isGiven('broker_hosts') && { kafka }),
    ...((isGiven('rabbitmq_url') || isGiven('rabbitmq_hosts')) && { rabbitmq }),
    realGateway,
    warnings: config.warnings,
    describe: (url) => describeConfig({ entries: entriesWith(config.entries, [...directories, ...gateway(url)]) }),
    ...(config.switches.includes('print-config') && { printed: printConfig({ entries: entriesWith(config.entries, directories) }) }),
  }
}
