import type { RabbitmqAddresses } from './rabbitmq/addresses.ts'
import { createAdmin, type RabbitmqAdmin } from './rabbitmq/admin.ts'
import { startRabbitmq, type RabbitmqOptions, type RabbitmqServer } from './rabbitmq/server.ts'
import { findShared } from './supervisor.ts'

export type { Certificates, KeyPair, ServerCertificate } from './certificates.ts'
export { externalUser, urlOf, type Door, type RabbitmqAddresses, type RabbitmqUser, type UrlOptions } from './rabbitmq/addresses.ts'
export type { Permissions, QueueDepth, RabbitmqAdmin, TestQueueOptions } from './rabbitmq/admin.ts'
export type { Alarm } from './rabbitmq/alarm.ts'
export { connectTo, publishConfirmed, withChannel, type ConfirmChannel, type ConnectOptions } from './rabbitmq/client.ts'
export type { RabbitmqBroker } from './rabbitmq/broker.ts'
export type { RabbitmqVersion } from './rabbitmq/install.ts'
export type { ListedConnection } from './rabbitmq/management.ts'
export type { RabbitmqOptions, RabbitmqServer } from './rabbitmq/server.ts'
export { uniqueName } from './unique-name.ts'

/** The broker that the whole run shares: nobody may stop it, hold it up, alarm it, or count on being alone. */
export interface SharedRabbitmq extends RabbitmqAddresses, RabbitmqAdmin {}

let ours: Promise<RabbitmqAddresses> | undefined

const shared = async (): Promise<SharedRabbitmq> => {
  ours ??= findShared('rabbitmq', () => startRabbitmq())
  const addresses = await ours
  return { ...addresses, ...createAdmin(addresses) }
}

/**
 * Real RabbitMQ brokers. Both throw a `TestBedError` that says what to install when they cannot be had.
 *
 *     const { url, declareQueue } = await rabbitmq.shared()   // for most tests
 *     await using server = await rabbitmq.single()            // for tests that break it
 */
export const rabbitmq = {
  /** A 3.10 with all doors, started once a run. Outside of vitest: once a process, and it ends with the process. */
  shared,
  /** One of your own, with all doors. */
  single: (options: RabbitmqOptions = {}): Promise<RabbitmqServer> => startRabbitmq(options),
} as const
