import { kafkaBrokerKills } from './kafka-broker-kills.ts'
import { kafkaBrokers } from './kafka-brokers.ts'
import { kafkaKills } from './kafka-kills.ts'
import { kafkaSoak } from './kafka-soak.ts'
import { kafkaStorm } from './kafka-storm.ts'
import type { LongPart } from './part.ts'
import { rabbitmqBrokers } from './rabbitmq-brokers.ts'
import { rabbitmqConnections } from './rabbitmq-connections.ts'
import { rabbitmqKills } from './rabbitmq-kills.ts'
import { rabbitmqLeaderless } from './rabbitmq-leaderless.ts'
import { rabbitmqSoak } from './rabbitmq-soak.ts'

/** Every part of the long run. A connector adds its parts here. */
export const parts: readonly LongPart[] = [
  kafkaBrokerKills,
  kafkaKills,
  kafkaStorm,
  kafkaBrokers,
  kafkaSoak,
  rabbitmqKills,
  rabbitmqBrokers,
  rabbitmqConnections,
  rabbitmqLeaderless,
  rabbitmqSoak,
]
