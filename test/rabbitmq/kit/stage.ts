import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fakeGateway, type FakeGateway } from '@millrace/sdk/testing'
import { startConnector, type Connector } from '../../processes/connector.ts'
import { scratchFolder } from '../../processes/reaper.ts'
import { waitUntil } from '../../processes/wait-until.ts'
import { publishConfirmed, uniqueName, withChannel, type RabbitmqAddresses, type RabbitmqAdmin } from '../../servers/rabbitmq.ts'
import { connectorMain } from './run.ts'

type GatewayFunctions = NonNullable<NonNullable<Parameters<typeof fakeGateway>[0]>['functions']>

export interface Published {
  readonly exchange?: string
  readonly routingKey: string
  readonly body: string
}

/** A virtual host with a user, a gateway and connectors for one test. All of it ends with it. */
export class Stage implements AsyncDisposable {
  readonly broker: RabbitmqAddresses & RabbitmqAdmin
  readonly vhost: string = uniqueName('stage')
  /** Not the administrator: may do what `setPermissions` says. */
  readonly user = { username: uniqueName('user'), password: 'canary-secret' }
  readonly #ends: (() => Promise<unknown>)[] = []

  private constructor(broker: RabbitmqAddresses & RabbitmqAdmin) {
    this.broker = broker
  }

  /** @param rights of the user @default everything */
  static async open(
    broker: RabbitmqAddresses & RabbitmqAdmin,
    rights: Parameters<RabbitmqAdmin['setPermissions']>[1] = { configure: '.*', write: '.*', read: '.*' },
  ): Promise<Stage> {
    const stage = new Stage(broker)
    await broker.addVhost(stage.vhost)
    await broker.addUser(stage.user)
    await broker.setPermissions(stage.user.username, rights, stage.vhost)
    return stage
  }

  atEnd(end: () => Promise<unknown>): void {
    this.#ends.unshift(end)
  }

  async gateway(functions: GatewayFunctions): Promise<FakeGateway> {
    const gateway = await fakeGateway({ functions })
    this.atEnd(() => gateway.close())
    return gateway
  }

  /** A file in a folder of its own. */
  file(name: string, text: string): string {
    const folder = scratchFolder('rabbitmq-stage')
    this.atEnd(async () => folder.remove())
    const path = join(folder.path, name)
    writeFileSync(path, text)
    return path
  }

  /** Without a way to the broker in its environment: `place` is one. */
  async start(env: Readonly<Record<string, string>>, args: readonly string[] = []): Promise<Connector> {
    const connector = await startConnector({ main: connectorMain, args, env: { rebuild_interval: '200ms', ...env } })
    this.atEnd(() => connector.kill9())
    return connector
  }

  /** Settings that lead to this virtual host as this user. */
  get place(): Readonly<Record<string, string>> {
    return {
      rabbitmq_url: `amqp://127.0.0.1:${this.broker.port}`,
      rabbitmq_vhost: this.vhost,
      rabbitmq_username: this.user.username,
      rabbitmq_password: this.user.password,
    }
  }

  /** Each with its body as message id. */
  publish(messages: readonly Published[]): Promise<void> {
    return withChannel(this.broker.url({ vhost: this.vhost }), async (channel) => {
      for (const { exchange = '', routingKey, body } of messages) {
        await publishConfirmed(channel, { exchange, routingKey }, body, { messageId: body, contentType: 'text/x-test' })
      }
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#ends.splice(0)) await end()
    await this.broker.deleteVhost(this.vhost)
  }
}

/** What the functions were called with, in the order of the calls. */
export const bodiesOf = (gateway: FakeGateway): readonly string[] => gateway.requests.map(({ body }) => body.toString())

/** Waits until some function was called with each of these. */
export const called = (gateway: FakeGateway, bodies: readonly string[], connector?: Connector): Promise<void> =>
  waitUntil(() => bodies.every((body) => bodiesOf(gateway).includes(body)), {
    timeoutMs: 30_000,
    what: () =>
      `calls with ${bodies.join(', ')}; there were ${bodiesOf(gateway).join(', ').slice(0, 500)}\n${connector?.output().slice(-3000)}`,
  })

/** The first log line of a code: what happened, what it means and what to do. */
export const complaintOf = async (connector: Connector, code: string, about = ''): Promise<string> => {
  const find = (): Readonly<Record<string, unknown>> | undefined =>
    connector.logs().find((line) => line['code'] === code && JSON.stringify(line).includes(about))
  await waitUntil(() => find() !== undefined, { timeoutMs: 30_000, what: () => `${code} ${about}:\n${connector.output().slice(-4000)}` })
  const line = find()
  return ['msg', 'effect', 'fix'].map((part) => String(line?.[part])).join('\n')
}
