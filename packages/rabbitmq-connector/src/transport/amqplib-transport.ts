import type { Logger } from '@millrace/sdk'
import type { ConnectionOptions } from './connection-options.ts'
import { ConnectionSupervisor } from './connection-supervisor.ts'
import type { AmqpConnection, AmqpTransport, ConnectionRole } from './transport.ts'

/** The seam on amqplib 2.3.1. */
export const amqplibTransport = (options: ConnectionOptions, logger: Logger): AmqpTransport => ({
  connection: (role: ConnectionRole): AmqpConnection =>
    new ConnectionSupervisor(role, options, logger.child({ component: 'rabbitmq', role })),
})
