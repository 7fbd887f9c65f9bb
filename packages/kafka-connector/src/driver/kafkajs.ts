// The one file that imports the library. Its types stay in this folder.
export { AssignerProtocol, CompressionCodecs, CompressionTypes, Kafka, logLevel, PartitionAssigners } from 'kafkajs'
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
