import { fakeGateway, type FakeGateway, type RecordedRequest } from '@millrace/sdk/testing'
import { startConnector, type Connector } from '../../processes/connector.ts'
import { waitUntil } from '../../processes/wait-until.ts'
import { withChannel, type SharedRabbitmq } from '../../servers/rabbitmq.ts'
import { connectorMain } from './run.ts'

/** Times in seconds and less, waits without chance: a test says itself what else it wants. */
const usual = {
  rebuild_interval: '200ms',
  retry_min_wait: '20ms',
  retry_max_wait: '100ms',
  retry_jitter: 'none',
  breaker_function_open: '200ms',
  breaker_gateway_open: '200ms',
  rabbitmq_connect_timeout: '2s',
  rabbitmq_max_reconnect_delay: '1s',
}

/** The program between a broker and a gateway in the test's process, so that functions can be anything and say when they were called. */
export class Bench implements AsyncDisposable {
  readonly broker: SharedRabbitmq
  readonly gateway: FakeGateway
  readonly #ends: (() => Promise<unknown>)[] = []

  private constructor(broker: SharedRabbitmq, gateway: FakeGateway) {
    this.broker = broker
    this.gateway = gateway
  }

  static async open(broker: SharedRabbitmq, functions: NonNullable<Parameters<typeof fakeGateway>[0]>['functions']): Promise<Bench> {
    return new Bench(broker, await fakeGateway(functions === undefined ? {} : { functions }))
  }

  /** Starts one more replica; ready. */
  async start(env: Readonly<Record<string, string>> = {}): Promise<Connector> {
    const place = { rabbitmq_url: this.broker.url(), gateway_url: this.gateway.url }
    const connector = await startConnector({ main: connectorMain, env: { ...usual, ...place, ...env } })
    this.atEnd(() => connector.kill9())
    await connector.ready()
    return connector
  }

  /** Declares a queue; it and what the connector declares beside it are deleted at the end. */
  async queue(queue: string, delays: readonly string[], options?: Parameters<SharedRabbitmq['declareQueue']>[1]): Promise<void> {
    this.deleteAtEnd(queue, delays)
    await this.broker.declareQueue(queue, options)
  }

  deleteAtEnd(queue: string, delays: readonly string[]): void {
    const names = [queue, `${queue}.dlq`, ...delays.map((wait) => `${queue}.retry.${wait}`)]
    this.#ends.push(() =>
      withChannel(this.broker.url(), async (channel) => {
        for (const name of names) await channel.deleteQueue(name)
      }).catch(() => undefined),
    )
  }

  atEnd(end: () => Promise<unknown>): void {
    this.#ends.push(end)
  }

  /** Waits until functions were called as the test wants. */
  async until(done: (requests: readonly RecordedRequest[]) => boolean, what: string, timeoutMs = 30_000): Promise<void> {
    await waitUntil(() => done(this.gateway.requests), {
      timeoutMs,
      everyMs: 20,
      what: () => `${what}; there were ${this.gateway.requests.length} calls`,
    })
  }

  /** Waits until these queues hold nothing, and nobody holds anything of them. */
  async drained(queues: readonly string[], timeoutMs = 30_000): Promise<void> {
    for (const queue of queues) await this.broker.awaitDepth(queue, { ready: 0, unacked: 0 }, timeoutMs)
  }

  /** What the last one started is stopped first. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#ends.splice(0).toReversed()) await end()
    await this.gateway.close()
  }
}

/** A percentile of numbers, by the nearest rank. */
export const percentile = (values: readonly number[], rank: number): number => {
  const sorted = values.toSorted((left, right) => left - right)
  return sorted[Math.max(0, Math.ceil((rank / 100) * sorted.length) - 1)] ?? Number.NaN
}
