import type { MetricsCompat } from '../../ports/metrics/metrics-table.ts'
import type { SecretReference } from './secret-reference.ts'

/** The gateway, its functions and how they are called. Times in milliseconds. */
export interface GatewayConfig {
  /** Without a slash at the end; may have a path prefix. */
  readonly gatewayUrl: string
  /** Only compared with the URL. */
  readonly gatewaySsl: boolean
  readonly gatewayTlsCa: string | undefined
  readonly gatewayTlsCert: string | undefined
  readonly gatewayTlsKey: SecretReference | undefined
  readonly basicAuth: boolean
  readonly basicAuthUser: SecretReference | undefined
  readonly basicAuthPassword: SecretReference | undefined
  readonly secretMountPath: string
  readonly upstreamTimeoutMs: number
  readonly rebuildIntervalMs: number
  readonly asynchronousInvocation: boolean
  readonly contentType: string | undefined
  readonly topicDelimiter: string
  /** Empty: all namespaces. */
  readonly namespacesAllow: readonly string[]
  readonly namespacesDeny: readonly string[]
}

/** Limits, retries, and what becomes of events that fail. Times in milliseconds, sizes in bytes. */
export interface DeliveryConfig {
  readonly maxInflight: number
  readonly maxInflightPerFunction: number
  readonly retryAttempts: number
  readonly retryMinWaitMs: number
  readonly retryMaxWaitMs: number
  readonly retryJitter: 'full' | 'equal' | 'none'
  readonly retryMaxAgeMs: number
  readonly retryNotFoundGraceMs: number
  readonly retryAfterCapMs: number
  readonly retryPoisonAfterMs: number
  readonly breakerFunctionOpenMs: number
  readonly breakerGatewayOpenMs: number
  readonly unmatched: 'ack' | 'hold' | 'dead-letter'
  readonly drainTimeoutMs: number
  readonly queueMaxEvents: number
  readonly queueMaxBytes: number
  readonly queueWindow: number
  readonly maxEventBytes: number
  readonly replyCapBytes: number
  readonly deadLetterDir: string | undefined
}

/** Where state is kept. */
export interface StateConfig {
  readonly stateDir: string | undefined
  readonly stateUrl: string | undefined
  readonly stateSentinels: readonly string[]
  readonly statePrefix: string
  readonly stateUsername: SecretReference | undefined
  readonly statePassword: SecretReference | undefined
  readonly stateSentinelPassword: SecretReference | undefined
  readonly stateTlsCa: SecretReference | undefined
  readonly stateTlsCert: SecretReference | undefined
  readonly stateTlsKey: SecretReference | undefined
}

/** The admin server, metrics and logs. */
export interface OperationConfig {
  readonly adminHost: string
  readonly adminPort: number
  readonly loopLimitMs: number
  readonly metricsTopics: readonly string[]
  readonly metricsCompat: MetricsCompat
  readonly debug: boolean
  readonly logEncoding: 'json' | 'console'
  readonly printResponse: boolean
  readonly printResponseBody: boolean
  readonly printRequestBody: boolean
  readonly printSync: boolean
  readonly licenseFile: string | undefined
}

/** What every connector is configured by. */
export interface CoreConfig extends GatewayConfig, DeliveryConfig, StateConfig, OperationConfig {}
