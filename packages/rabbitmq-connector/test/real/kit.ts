import { createConnector, silentLogger } from '@millrace/sdk'
import type { Connector, ConnectorOptions } from '@millrace/sdk'
import { fakeGateway } from '@millrace/sdk/testing'
import type { FakeGateway, RecordedRequest } from '@millrace/sdk/testing'
import { rabbitmq, uniqueName } from '../../../../test/servers/rabbitmq.ts'
import type { SharedRabbitmq } from '../../../../test/servers/rabbitmq.ts'
import { rabbitmqSource } from '../../src/source.ts'
import type { RabbitmqSource, RabbitmqSourceOptions } from '../../src/source.ts'
import { asAdmin } from './transport-kit.ts'

/** Short times, so that a test of a loss takes seconds. */
const quick = { linkMs: 5000, settleMs: 50, drainMs: 3000, requestMs: 5000, checkMs: 500, checkpointMs: 50, leaseMs: 2000 }

/** One test's part of a broker: connectors and gateways that end with it. */
export class Bench {
  readonly broker: SharedRabbitmq
  /** Begins the name of every connection of this bench. */
  readonly name: string = uniqueName('bench')
  readonly #ends: (() => Promise<void>)[] = []

  constructor(broker: SharedRabbitmq) {
    this.broker = broker
  }

  static async open(): Promise<Bench> {
    return new Bench(await rabbitmq.shared())
  }

  source(options: Partial<RabbitmqSourceOptions> = {}): RabbitmqSource {
    return rabbitmqSource({
      ...options,
      connection: {
        hosts: [{ host: '127.0.0.1', port: this.broker.port }],
        vhost: '/',
        material: () => Promise.resolve(asAdmin(this.broker)),
        connectTimeoutMs: 3000,
        maxDelayMs: 300,
        connectionName: this.name,
        ...options.connection,
      },
      owner: options.owner ?? this.name,
      times: { ...quick, ...options.times },
    })
  }

  async gateway(...options: Parameters<typeof fakeGateway>): Promise<FakeGateway> {
    const gateway = await fakeGateway(...options)
    this.#ends.unshift(() => gateway.close())
    return gateway
  }

  /** A connector of its own; ended with the test if it still runs. */
  async connect(
    gateway: FakeGateway,
    options: Partial<RabbitmqSourceOptions> = {},
    more: Partial<ConnectorOptions> = {},
  ): Promise<{ readonly connector: Connector; readonly source: RabbitmqSource }> {
    const source = this.source(options)
    const connector = createConnector({
      source,
      gateway: { url: gateway.url },
      rebuildIntervalMs: 100,
      logger: silentLogger,
      drainMs: 5000,
      ...more,
    })
    this.#ends.unshift(() => connector.kill())
    await connector.start()
    return { connector, source }
  }

  /** The broker forces every connection of this bench to end. */
  disconnect(): Promise<number> {
    return this.broker.closeConnections(new RegExp(`^${this.name}`))
  }

  atEnd(end: () => Promise<void>): void {
    this.#ends.unshift(end)
  }

  async close(): Promise<void> {
    for (const end of this.#ends.splice(0)) await end()
  }
}

/** What the functions were called with, in the order of the calls. */
export const bodies = (requests: readonly RecordedRequest[]): string[] => requests.map((request) => request.body.toString())

export { uniqueName }
export { until } from '../../../../test/ledger/until.ts'
