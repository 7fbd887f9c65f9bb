import { kafkaBrokerKills } from './kafka-broker-kills.ts'
import type { LongPart } from './part.ts'

/** Every part of the long run. A connector adds its parts here. */
export const parts: readonly LongPart[] = [kafkaBrokerKills]
