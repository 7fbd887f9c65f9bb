import type { GatewayTls } from '../ports/gateway/http-client.ts'
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
    namespaces: {
      ...(config.namespacesAllow.length > 0 && { allow: config.namespacesAllow }),
      ...(config.namespacesDeny.length > 0 && { deny: config.namespacesDeny }),
    },
    policy: {
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
    },
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
