import type { Logger } from '../contract/logger.ts'
import type { Source } from '../contract/source.ts'
import type { MetricsTable } from '../ports/metrics/metrics-table.ts'
import type { CoreConfig } from './config/core-config.ts'
import type { Connector } from './connector.ts'

/** What `startHost` takes. */
export interface HostOptions {
  /** The settings of every connector, loaded and checked. */
  readonly config: CoreConfig
  /** What `/config` shows: `describeConfig()`. */
  readonly describedConfig: unknown
  /** One connector each; they share dead letters, state, metrics and the admin server. */
  readonly sources: readonly Source[]
  readonly logger: Logger
  /** Rows of the sources' own metrics. */
  readonly metrics?: MetricsTable
}

/** Connectors in a process with everything around them. */
export interface ConnectorHost {
  readonly connectors: readonly Connector[]
  /** `http://HOST:PORT` of probes and metrics. */
  readonly adminUrl: string
  /** Starts the connectors. Resolves when each has its first good map and has asked its source to connect. */
  start(): Promise<void>
  /** Drains all, then closes what they share. Idempotent. */
  stop(): Promise<void>
  /** Releases everything at once. */
  kill(): Promise<void>
}
