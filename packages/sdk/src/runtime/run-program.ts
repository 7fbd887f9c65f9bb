import type { Source } from '../contract/source.ts'
import type { Logger } from '../contract/logger.ts'
import { describeError, isMillraceError } from '../core/errors.ts'
import { version } from '../core/version.ts'
import { nodeFileReader } from '../ports/files/file-reader.ts'
import { createLogger } from '../ports/logging/pino-logger.ts'
import type { MetricsTable } from '../ports/metrics/metrics-table.ts'
import type { CoreConfig } from './config/core-config.ts'
import { coreSettings } from './config/core-settings.ts'
import { helpText } from './config/help-text.ts'
import { loadConfig } from './config/load-config.ts'
import { describeConfig, printConfig } from './config/print-config.ts'
import { exitCodeConfig } from './config/problem.ts'
import type { Component } from './config/setting.ts'
import { switchesOf } from './config/argv.ts'
import { startHost } from './host.ts'
import type { ConnectorHost } from './host-options.ts'
import { onStopSignals } from './stop-signals.ts'

/** A connector as a program. */
export interface ConnectorProgram<V extends object> {
  /** Its command, e.g. `millrace-cron-connector`. */
  readonly name: string
  /** One sentence for `--help`. */
  readonly about: string
  /** The settings of its source. */
  readonly settings: Component<V>
  /** Rows of the source's own metrics. */
  readonly metrics?: MetricsTable
  source(settings: Readonly<V>, logger: Logger, core: Readonly<CoreConfig>): Source | Promise<Source>
}

/** What a program is run with. @default the process's own */
export interface ProgramEnvironment {
  readonly argv: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly out: (text: string) => void
  readonly err: (text: string) => void
}

const ofProcess = (): ProgramEnvironment => ({
  argv: process.argv.slice(2),
  env: process.env,
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
})

/** What only another configuration can mend. */
const configurationErrors: ReadonlySet<string> = new Set(['E_CONFIG_INVALID', 'E_CONNECTOR_DEAD_LETTERS', 'E_CONNECTOR_SPOOL'])

const explain = (error: unknown): string => (isMillraceError(error) ? error.explain() : describeError(error))

/** Starts the host and waits for a signal. Resolves with the exit code: 0 after a clean drain, 128 + n when a second signal n aborted it. */
export const runHost = async (host: ConnectorHost, logger: Logger): Promise<number> => {
  const ended = Promise.withResolvers<number>()
  // An abort also ends the drain that runs, which must not pass for a clean one.
  let aborted: number | undefined
  const forget = onStopSignals({
    stop: (signal) => {
      logger.info('draining', { signal })
      host.stop().then(
        () => ended.resolve(aborted ?? 0),
        (error: unknown) => {
          logger.error('the drain failed', { error: describeError(error) })
          ended.resolve(1)
        },
      )
    },
    abort: (signal, exitCode) => {
      aborted = exitCode
      logger.warn('aborted by a second signal: what was in flight is given back', { signal })
      void host.kill().finally(() => ended.resolve(exitCode))
    },
  })
  host.start().catch((error: unknown) => {
    logger.error('the connector failed', { error: describeError(error) })
    void host.kill().finally(() => ended.resolve(1))
  })
  try {
    return await ended.promise
  } finally {
    forget()
  }
}

/**
 * A connector's whole process: configuration, logs, admin server, connector, signals. Resolves with the exit code: 0 after a clean
 * stop, 1 on a failure, 2 on a wrong configuration.
 */
export const runProgram = async <V extends object>(
  program: ConnectorProgram<V>,
  given: ProgramEnvironment = ofProcess(),
): Promise<number> => {
  const components = { core: coreSettings, source: program.settings }
  const switches = switchesOf(given.argv)
  if (switches.includes('help')) {
    given.out(helpText({ usage: `${program.name} [flags]\n\n${program.about}`, components }))
    return 0
  }
  if (switches.includes('version')) {
    given.out(`${program.name} ${version}\n`)
    return 0
  }
  try {
    const config = await loadConfig(components, { argv: given.argv, env: given.env, files: nodeFileReader })
    if (switches.includes('print-config')) {
      given.out(printConfig(config))
      return 0
    }
    const { core, source: settings } = config.values
    const logger = createLogger({ level: core.debug ? 'debug' : 'info', encoding: core.logEncoding, base: { program: program.name } })
    for (const warning of config.warnings) logger.warn(warning)
    const source = await program.source(settings, logger, core)
    const host = await startHost({
      config: core,
      describedConfig: describeConfig(config),
      sources: [source],
      logger,
      ...(program.metrics !== undefined && { metrics: program.metrics }),
    })
    logger.info('listening', { admin: host.adminUrl, version })
    return await runHost(host, logger)
  } catch (error) {
    given.err(`${explain(error)}\n`)
    return isMillraceError(error) && configurationErrors.has(error.code) ? exitCodeConfig : 1
  }
}
