import { cronSource } from '@millrace/cron-connector'
import { startDevGateway } from '@millrace/dev-gateway'
import type { DevGateway } from '@millrace/dev-gateway'
import { httpMetrics, httpOptions, httpSource } from '@millrace/http-source'
import { kafkaMetrics, kafkaOptions, kafkaSource } from '@millrace/kafka-connector'
import { rabbitmqMetrics, rabbitmqOptions, rabbitmqSource } from '@millrace/rabbitmq-connector'
import { createLogger, runHost, startHost, systemClock } from '@millrace/sdk'
import type { Connector, ConnectorHost } from '@millrace/sdk'
import type { CliIo } from '../io.ts'
import { findStack } from '../stack/find-stack.ts'
import type { DevConfig } from './dev-settings.ts'
import { narrateConnector, narrateMap } from './narrate-connector.ts'
import { narrateGateway } from './narrate-gateway.ts'
import { createNarrator } from './narrator.ts'
import type { Narrator } from './narrator.ts'

const startGateway = async (config: DevConfig, io: CliIo, narrator: Narrator): Promise<DevGateway | undefined> => {
  const { own, realGateway } = config
  if (realGateway) return undefined
  const stack = findStack(own.stackFile, io.cwd)
  return await startDevGateway({
    stack,
    host: own.gatewayHost,
    port: own.gatewayPort,
    variables: io.env,
    subscribe: narrateGateway(narrator, stack),
    ...(own.faultPlan !== undefined && { faultPlan: own.faultPlan }),
  })
}

/** Calls `done` once, when every connector is ready for the first time. */
const whenReady = (connectors: readonly Connector[], done: () => void): void => {
  let said = false
  const look = (): void => {
    if (said || connectors.some(({ notReady }) => notReady.length > 0)) return
    said = true
    // After the listeners that tell of the same change.
    queueMicrotask(done)
  }
  for (const connector of connectors) {
    connector.on('state:changed', look)
    connector.on('source:connected', look)
  }
}

const summarise = (connectors: readonly Connector[], narrator: Narrator): void => {
  const stats = connectors.map((connector) => connector.stats())
  const sum = (key: 'received' | 'acked' | 'dead' | 'released'): number => stats.reduce((total, each) => total + each[key], 0)
  const text = `${sum('received')} events received: ${sum('acked')} acknowledged, ${sum('dead')} in the dead letters, ${sum('released')} given back`
  narrator.say({ kind: 'state', about: 'stopped', text })
}

const runConnectors = async (
  host: ConnectorHost,
  sourceNames: readonly string[],
  narrator: Narrator,
  ready: () => void,
  logger: Parameters<typeof runHost>[1],
): Promise<number> => {
  const [http] = host.connectors
  for (const [index, name] of sourceNames.entries()) {
    const connector = host.connectors[index]
    if (connector !== undefined) narrateConnector(connector, name, narrator)
  }
  http?.on('state:changed', ({ state }) => {
    if (state === 'draining')
      narrator.say({ kind: 'state', about: 'draining', text: 'what is in flight may finish; a second signal gives it back at once' })
  })
  narrateMap(host.connectors, narrator)
  whenReady(host.connectors, ready)
  const code = await runHost(host, logger)
  summarise(host.connectors, narrator)
  return code
}

/**
 * The embedded gateway (or a real one), the HTTP event source, the cron connector and, if a broker is named, the Kafka and
 * RabbitMQ connectors in one process, until a signal.
 *
 * @returns the exit code: 0 after a drain, 128 + n when a second signal n aborted it
 * @throws MillraceError when something of it cannot start; nothing is left running then
 */
export const runDev = async (config: DevConfig, io: CliIo): Promise<number> => {
  const { core, own } = config
  const narrator = createNarrator({ out: io.out, clock: systemClock, colour: io.colour, json: own.output === 'json' })
  for (const text of config.warnings) narrator.say({ kind: 'warning', about: 'settings', text })
  // The lines tell what happens; the log is for what nobody expects, or for everything with --debug.
  const logger = createLogger({
    level: core.debug ? 'debug' : 'error',
    encoding: core.debug ? core.logEncoding : 'console',
    destination: { write: io.err },
  })
  if (config.http.eventsToken === undefined && !/^(?:localhost|127\.\d+\.\d+\.\d+|::1)$/.test(config.http.eventsHost)) {
    narrator.say({ kind: 'warning', about: 'settings', text: 'anybody who reaches this machine may publish events; set events_token' })
  }
  const http = httpSource(httpOptions(config.http))
  const gateway = await startGateway(config, io, narrator)
  try {
    const events = await http.listen()
    const url = gateway?.url ?? core.gatewayUrl
    const sources = [
      http,
      cronSource(config.cron),
      ...(config.kafka === undefined ? [] : [kafkaSource(kafkaOptions(config.kafka, logger))]),
      ...(config.rabbitmq === undefined ? [] : [rabbitmqSource(rabbitmqOptions(config.rabbitmq, core))]),
    ]
    const host = await startHost({
      config: { ...core, gatewayUrl: url },
      describedConfig: config.describe(url),
      sources,
      logger,
      metrics: { ...httpMetrics, ...kafkaMetrics, ...rabbitmqMetrics },
    })
    const names = sources.map(({ name }) => name)
    return await runConnectors(host, names, narrator, () => narrator.ready({ gateway: url, events, admin: host.adminUrl }), logger)
  } finally {
    await http.dispose?.()
    await gateway?.close()
  }
}
