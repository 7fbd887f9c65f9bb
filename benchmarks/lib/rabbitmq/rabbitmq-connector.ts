import { createConnector, Secret, type Connector, type DeliveryObserver } from '@millrace/sdk'
import { rabbitmqSource } from '@millrace/rabbitmq-connector'
import type { RabbitmqAddresses } from '../../../test/servers/rabbitmq.ts'

/** A connector of one benchmark: as a program would make it, with the defaults where nothing is said. */
export interface BenchConnectorOptions {
  readonly broker: Pick<RabbitmqAddresses, 'credentials' | 'host' | 'port'>
  readonly gatewayUrl: string
  /** Messages of each queue in its hands. @default twice the concurrency, as in production */
  readonly prefetch?: number
  /** Requests in flight. */
  readonly concurrency: number
  readonly observer: DeliveryObserver
}

/** Not started yet. */
export const rabbitmqConnector = ({ broker, gatewayUrl, prefetch, concurrency, observer }: BenchConnectorOptions): Connector => {
  const { username, password } = broker.credentials.admin
  return createConnector({
    gateway: { url: gatewayUrl },
    source: rabbitmqSource({
      connection: {
        hosts: [{ host: broker.host, port: broker.port }],
        vhost: '/',
        material: () => Promise.resolve({ login: { username, password: new Secret(password) } }),
      },
      topology: { concurrency, ...(prefetch !== undefined && { prefetch }) },
    }),
    policy: { concurrency },
    limits: { maxInFlight: concurrency },
    observers: [observer],
  })
}
