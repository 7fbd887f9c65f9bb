import { isMillraceError, Secret, silentLogger } from '@millrace/sdk'
import { rabbitmq } from '../../../../test/servers/rabbitmq.ts'
import type { RabbitmqAddresses, SharedRabbitmq } from '../../../../test/servers/rabbitmq.ts'
import { amqplibTransport } from '../../src/transport/amqplib-transport.ts'
import type { ConnectionMaterial, ConnectionOptions, TlsMaterial } from '../../src/transport/connection-options.ts'
import type { Message, MessageProperties } from '../../src/transport/message.ts'
import type { AmqpConnection, ConnectionRole } from '../../src/transport/transport.ts'
import type { Door } from './door.ts'
import { openDoor } from './door.ts'

export const asAdmin = (addresses: RabbitmqAddresses, tls?: TlsMaterial): ConnectionMaterial => {
  const { username, password } = addresses.credentials.admin
  return { login: { username, password: new Secret(password) }, ...(tls !== undefined && { tls }) }
}

/** One test's connections to a broker, which end with it. */
export class TransportBench {
  readonly broker: SharedRabbitmq
  readonly #ends: (() => Promise<void>)[] = []

  constructor(broker: SharedRabbitmq) {
    this.broker = broker
  }

  static async open(): Promise<TransportBench> {
    return new TransportBench(await rabbitmq.shared())
  }

  connection(options: Partial<ConnectionOptions> = {}, role: ConnectionRole = 'consume'): AmqpConnection {
    const transport = amqplibTransport(
      {
        hosts: [{ host: '127.0.0.1', port: this.broker.port }],
        vhost: '/',
        material: () => Promise.resolve(asAdmin(this.broker)),
        connectTimeoutMs: 3000,
        maxDelayMs: 300,
        ...options,
      },
      silentLogger,
    )
    const connection = transport.connection(role)
    this.#ends.unshift(() => connection.close())
    return connection
  }

  async door(port: number = this.broker.port): Promise<Door> {
    const door = await openDoor(port)
    this.#ends.push(() => door.close())
    return door
  }

  atEnd(end: () => Promise<void>): void {
    this.#ends.unshift(end)
  }

  async close(): Promise<void> {
    for (const end of this.#ends.splice(0)) await end()
  }
}

/** The code of the error that `promise` rejects with; `'none'` when it does not. */
export const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (error: unknown) => (isMillraceError(error) ? error.code : String(error)),
  )

/** The code with which `signal` aborts. */
export const lossOf = async (signal: AbortSignal, ms: number = 15_000): Promise<string> => {
  if (!signal.aborted) {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const timer = setTimeout(() => reject(new Error(`nothing was lost within ${ms} ms`)), ms)
    signal.addEventListener('abort', () => resolve())
    await promise.finally(() => clearTimeout(timer))
  }
  const reason: unknown = signal.reason
  return isMillraceError(reason) ? reason.code : 'none'
}

export const messageTo = (queue: string, body: string = 'x', properties: Partial<MessageProperties> = {}): Message => ({
  exchange: '',
  routingKey: queue,
  body: Buffer.from(body),
  properties: { deliveryMode: 2, headers: new Map(), ...properties },
})
