import { rabbitmqSource } from '../../src/source.ts'
import type { RabbitmqSource, RabbitmqSourceOptions } from '../../src/source.ts'
import type { MemoryBroker } from './broker.ts'

/** Short times, so that a test of a loss takes milliseconds. */
export const quick = { linkMs: 500, settleMs: 5, drainMs: 300, requestMs: 500, checkpointMs: 5, leaseMs: 300 }

/** A source over a broker in memory. */
export const memorySource = (broker: MemoryBroker, options: Partial<RabbitmqSourceOptions> = {}): RabbitmqSource =>
  rabbitmqSource({
    connection: { hosts: [{ host: 'memory', port: 0 }], vhost: '/', material: () => Promise.reject(new Error('nobody asks')) },
    transport: () => broker.transport(),
    ...options,
    times: { ...quick, ...options.times },
  })
