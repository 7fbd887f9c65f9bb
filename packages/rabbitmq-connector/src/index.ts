export type { AmqpTransport } from './transport/transport.ts'
