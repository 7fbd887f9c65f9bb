import { createLogger, describeError, MillraceError, openSession, startHost } from '@millrace/sdk'
import type { Connector, ConnectorHost, CoreConfig, Source } from '@millrace/sdk'
import type { CliIo } from './io.ts'

/** A source that has nothing to say. */
export const idleSource: Source = { name: 'cli', replay: 'broker', connect: () => Promise.resolve(openSession()) }

/** A connector of the command's own, with the functions of a gateway. */
export interface GatewaySession {
  readonly host: ConnectorHost
  readonly connector: Connector
}

/**
 * Starts a connector with these settings, and nothing on disk or in Redis. A connector waits for its gateway for ever; a command does not.
 * The host still has to be started with `startOrFail`.
 */
export const openGateway = async (core: CoreConfig, source: Source, io: CliIo): Promise<GatewaySession> => {
  const nowhere = { stateDir: undefined, stateUrl: undefined, deadLetterDir: undefined }
  const config: CoreConfig = { ...core, ...nowhere, adminHost: '127.0.0.1', adminPort: 0 }
  const logger = createLogger({ level: core.debug ? 'debug' : 'silent', encoding: 'console', destination: { write: io.err } })
  const host = await startHost({ config, describedConfig: [], sources: [source], logger })
  const [connector] = host.connectors
  if (connector === undefined) throw new Error('the host has no connector')
  return { host, connector }
}

/** Resolves when the functions are known. @throws MillraceError of the gateway client when the list cannot be read twice in a row */
export const startOrFail = async ({ host, connector }: GatewaySession, gatewayUrl: string): Promise<void> => {
  const failed = new Promise<never>((_, reject) => {
    connector.on('discovery:failed', ({ error, consecutiveFailures }) => {
      if (consecutiveFailures < 2) return
      const advice = 'Check --gateway (or gateway_url), and that the gateway is up.'
      reject(new MillraceError('E_CLI_UNREACHABLE', { url: gatewayUrl, reason: describeError(error, 300), advice }, error))
    })
  })
  await Promise.race([host.start(), failed])
}
