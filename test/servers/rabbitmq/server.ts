import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { scratchFolder } from '../../processes/reaper.ts'
import { makeCertificates, type Certificates, type ServerCertificate } from '../certificates.ts'
import { createPortSet, type PortSet } from '../ports.ts'
import type { Proxy, Toxiproxy } from '../toxiproxy.ts'
import { externalUser, rabbitmqCredentials, type RabbitmqAddresses } from './addresses.ts'
import { createAdmin, type RabbitmqAdmin } from './admin.ts'
import { createBroker, folderOf, type RabbitmqBroker } from './broker.ts'
import { enabledPlugins, rabbitmqConf, type RabbitmqPorts } from './config.ts'
import { apiPath } from './management.ts'
import { installRabbitmq, type RabbitmqVersion } from './install.ts'
import { raiseAlarm, type Alarm } from './alarm.ts'

export interface RabbitmqOptions {
  /** @default '3.10' */
  readonly version?: RabbitmqVersion
  /** A proxy in front of the plain door: see `proxiedPort` and `proxy`. */
  readonly toxiproxy?: Toxiproxy
  /** @default 'good' */
  readonly serverCertificate?: ServerCertificate
  /** Added to `rabbitmq.conf`, and wins, e.g. `{ consumer_timeout: '2000' }`. */
  readonly properties?: Readonly<Record<string, string>>
}

/** A broker that belongs to the caller. */
export interface RabbitmqServer extends RabbitmqAddresses, RabbitmqAdmin {
  /** Its process: `kill9()`, `stop()`, `start()`, `restart()`, `pause()`, `resume()`. */
  readonly broker: RabbitmqBroker
  readonly proxy: Proxy | undefined
  /**
   * `memory`: what is published waits and such connections are `blocked`, consuming goes on; `disk` alike. Resolves when the broker has
   * raised or cleared it. An alarm ends with the process.
   */
  alarm(which: Alarm, on: boolean): Promise<void>
  /** Ends it and removes its data. Nobody needs it any more, so it is not asked politely. */
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const takePorts = async ({ take }: PortSet): Promise<RabbitmqPorts> => ({
  amqp: await take(),
  tls: await take(),
  mtls: await take(),
  management: await take(),
  dist: await take(),
  epmd: await take(),
})

/** Users that are made once: the data folder keeps them, and what a test makes of them. */
const addUsers = async (addresses: RabbitmqAddresses): Promise<void> => {
  const admin = createAdmin(addresses)
  await admin.addUser(rabbitmqCredentials.alice)
  await admin.management('PUT', apiPath('users', externalUser), { password_hash: '', tags: '' })
  await admin.setPermissions(externalUser, { configure: '.*', write: '.*', read: '.*' })
}

const addressesOf = (
  ports: RabbitmqPorts,
  certificates: Certificates,
  node: RabbitmqAddresses['node'],
  proxy?: Proxy,
): RabbitmqAddresses => ({
  host: '127.0.0.1',
  port: ports.amqp,
  ...(proxy !== undefined && { proxiedPort: proxy.port }),
  tlsPort: ports.tls,
  mtlsPort: ports.mtls,
  certificates,
  managementUrl: `http://127.0.0.1:${ports.management}`,
  credentials: rabbitmqCredentials,
  node,
})

const writeFolder = (folder: string, files: Readonly<Record<string, string>>): void => {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o600 })
  mkdirSync(join(folder, 'config'))
  // Erlang takes no cookie that others may read, and none that it may write.
  chmodSync(join(folder, '.erlang.cookie'), 0o400)
}

/** Starts a broker. Throws a `TestBedError` when it cannot be had. */
export const startRabbitmq = async (options: RabbitmqOptions = {}): Promise<RabbitmqServer> => {
  const installation = await installRabbitmq(options.version ?? '3.10')
  const folder = scratchFolder('rabbitmq')
  const portSet = createPortSet()
  const started: { broker?: RabbitmqBroker; proxy?: Proxy } = {}
  const stop = async (): Promise<void> => {
    await started.broker?.close()
    await started.proxy?.remove().catch(() => undefined)
    portSet.release()
    folder.remove()
  }
  try {
    const ports = await takePorts(portSet)
    const certificates = await makeCertificates(folder.path, options.serverCertificate)
    const node = { name: `millrace${ports.amqp}@localhost`, cookie: randomBytes(12).toString('hex'), epmdPort: ports.epmd }
    const extra = options.properties ?? {}
    const conf = rabbitmqConf({ ports, admin: rabbitmqCredentials.admin, folder: folderOf(installation, folder.path), extra })
    writeFolder(folder.path, { 'rabbitmq.conf': conf, enabled_plugins: enabledPlugins, '.erlang.cookie': node.cookie })
    const broker = createBroker({ installation, node, ports, folder: folder.path })
    started.broker = broker
    const proxy = await options.toxiproxy?.proxy(ports.amqp, { name: `rabbitmq-${ports.amqp}` })
    if (proxy !== undefined) started.proxy = proxy
    await broker.start()
    const addresses = addressesOf(ports, certificates, node, proxy)
    await addUsers(addresses)
    return {
      ...addresses,
      ...createAdmin(addresses),
      broker,
      proxy,
      alarm: (which, on) => raiseAlarm(node, which, on),
      stop,
      [Symbol.asyncDispose]: stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
