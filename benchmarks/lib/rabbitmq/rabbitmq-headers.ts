import { sameHeaders } from '../bare-loop.ts'

/** The headers that the RabbitMQ connector sends, so that both sides send as many bytes. */
export const rabbitmqHeaders = (queue: string): Record<string, string> => ({
  ...sameHeaders(queue, `rabbitmq:%2F/${queue}/m-12345`),
  'x-rabbitmq-queue': queue,
  'x-rabbitmq-routing-key': queue,
  'x-rabbitmq-msg-id': 'm-12345',
  'x-rabbitmq-redelivered': 'false',
  'x-rabbitmq-delivery-mode': '2',
})
