// The one file that imports the library. Its types stay in this folder.
import kafkajs from 'kafkajs'

// Node finds not all names of this CommonJS module by itself (`CompressionCodecs` is missing), so they are taken from the whole.
export const AssignerProtocol: typeof kafkajs.AssignerProtocol = kafkajs.AssignerProtocol
export const CompressionCodecs: typeof kafkajs.CompressionCodecs = kafkajs.CompressionCodecs
export const CompressionTypes: typeof kafkajs.CompressionTypes = kafkajs.CompressionTypes
export const Kafka: typeof kafkajs.Kafka = kafkajs.Kafka
export const logLevel: typeof kafkajs.logLevel = kafkajs.logLevel
export const PartitionAssigners: typeof kafkajs.PartitionAssigners = kafkajs.PartitionAssigners

export type Kafka = kafkajs.Kafka
export type {
  Admin,
  Assigner,
  Cluster,
  Consumer,
  ConsumerConfig,
  EachBatchPayload,
  IHeaders,
  KafkaConfig,
  KafkaMessage,
  LogEntry,
  Message,
  PartitionAssigner,
  Producer,
  SASLOptions,
} from 'kafkajs'
