export { kafkaSource } from './source.ts'

export type { KafkaSource, KafkaSourceOptions } from './source.ts'
