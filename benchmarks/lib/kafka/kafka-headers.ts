import { sameHeaders } from '../bare-loop.ts'

/** The headers that the Kafka connector sends, so that both sides send as many bytes. */
export const kafkaHeaders = (topic: string): Record<string, string> => ({
  ...sameHeaders(topic, `kafka:AAAAAAAAAAAAAAAAAAAAAA/${topic}/0/12345`),
  'x-kafka-partition': '0',
  'x-kafka-offset': '12345',
  'x-kafka-key': 'k123',
  'x-kafka-timestamp': String(Date.now()),
})
