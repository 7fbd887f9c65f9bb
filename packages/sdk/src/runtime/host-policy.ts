import { defaultPolicy, type PolicyDefaults } from '../core/function-policy.ts'
import type { NamespaceSelection } from '../core/topics/watched-namespaces.ts'
import type { GatewayTls } from '../ports/gateway/http-pool.ts'
import type { CoreConfig } from './config/core-config.ts'
import { gatewayCredentials } from './config/core-settings.ts'
import type { ConnectorOptions } from './connector-options.ts'

const gatewayTls = async (config: CoreConfig): Promise<GatewayTls | undefined> => {
  const { gatewayTlsCa: ca, gatewayTlsCert: cert, gatewayTlsKey } = config
  if (ca === undefined && cert === undefined) return undefined
  const key = await gatewayTlsKey?.read()
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key: key.reveal() }),
  }
}

/** What holds for a function that says nothing, by the core settings. The order is the source's. */
export const policyDefaults = (config: CoreConfig): PolicyDefaults => ({
  ...defaultPolicy,
  concurrency: config.maxInflightPerFunction,
  timeoutMs: config.upstreamTimeoutMs,
  async: config.asynchronousInvocation,
  retry: {
    attempts: config.retryAttempts,
    minWaitMs: config.retryMinWaitMs,
    maxWaitMs: config.retryMaxWaitMs,
    jitter: config.retryJitter,
    maxAgeMs: config.retryMaxAgeMs,
    notFoundGraceMs: config.retryNotFoundGraceMs,
    retryAfterCapMs: config.retryAfterCapMs,
    poisonAfterMs: config.retryPoisonAfterMs,
  },
})

/** The namespaces that the core settings watch. */
export const watchedNamespaces = (config: CoreConfig): NamespaceSelection => ({
  ...(config.namespacesAllow.length > 0 && { allow: config.namespacesAllow }),
  ...(config.namespacesDeny.length > 0 && { deny: config.namespacesDeny }),
})

const withoutOrder = ({ order: _order, ...policy }: PolicyDefaults): Omit<PolicyDefaults, 'order'> => policy

/** The part of a connector's options that the core settings decide. Reads the key of the gateway's TLS. */
export const connectorOptions = async (config: CoreConfig): Promise<Omit<ConnectorOptions, 'source' | 'logger'>> => {
  const tls = await gatewayTls(config)
  const credentials = gatewayCredentials(config)
  return {
    gateway: {
      url: config.gatewayUrl,
      maxReplyBytes: config.replyCapBytes,
      ...(tls !== undefined && { tls }),
      ...(credentials !== undefined && { credentials }),
    },
    rebuildIntervalMs: config.rebuildIntervalMs,
    namespaces: watchedNamespaces(config),
    policy: withoutOrder(policyDefaults(config)),
    ...(config.contentType !== undefined && { contentType: config.contentType }),
    limits: {
      maxInFlight: config.maxInflight,
      maxEvents: config.queueMaxEvents,
      maxBytes: config.queueMaxBytes,
      window: config.queueWindow,
      maxEventBytes: config.maxEventBytes,
    },
    times: { functionOpenMs: config.breakerFunctionOpenMs, gatewayOpenMs: config.breakerGatewayOpenMs },
    unmatched: config.unmatched,
    drainMs: config.drainTimeoutMs,
  }
}
