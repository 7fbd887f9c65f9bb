import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { scratchFolder } from '../../processes/reaper.ts'
import { createPortSet } from '../ports.ts'
import type { Proxy, Toxiproxy } from '../toxiproxy.ts'
import { createClient, createTopic, leaderOf, type TopicOptions } from './admin.ts'
import { createClusterId, credentials, users, type KafkaAddresses } from './addresses.ts'
import { kafkaJars, kafkaVersion } from './artifacts.ts'
import { createBroker, type Broker } from './broker.ts'
import { classArchiveFlags } from './class-archive.ts'
import { formatData } from './format.ts'
import { makeCertificates, type Certificates, type ServerCertificate } from '../certificates.ts'
import { serverProperties, type BrokerPorts } from './properties.ts'
import { readTopic } from './read-topic.ts'

export interface KafkaOptions {
  /** SASL, TLS, mTLS and ACLs beside the plain door. @default true for one broker, false for several */
  readonly secure?: boolean
  /** A proxy in front of each broker, which tells its clients to come through it: see `proxied` and `broker.proxy`. */
  readonly toxiproxy?: Toxiproxy
  /** @default 'good' */
  readonly serverCertificate?: ServerCertificate
  /** Added to `server.properties`, and wins, e.g. `{ 'log.retention.check.interval.ms': '500' }`. */
  readonly properties?: Readonly<Record<string, string>>
  /** Of each broker. @default 512 */
  readonly heapMb?: number
  /** @default the one of `artifacts.ts` */
  readonly version?: string
  /** `quick`: starts with less work, and is slower under load, so not for benchmarks. @default 'quick' */
  readonly compiler?: 'full' | 'quick'
  /** @default 'warn' */
  readonly logLevel?: 'info' | 'warn'
}

/** One or more brokers that belong to the caller. */
export interface KafkaCluster extends KafkaAddresses {
  readonly brokers: readonly Broker[]
  /** The broker of a single-node server. */
  readonly broker: Broker
  createTopic(topic: string, options?: TopicOptions): Promise<void>
  /** The broker that leads a partition just now; throws when none does. */
  leaderOf(topic: string, partition?: number): Promise<Broker>
  /** Ends all brokers at once and removes their data. Nobody needs them any more, so they are not asked politely. */
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

interface Node {
  readonly nodeId: number
  readonly ports: BrokerPorts
  readonly proxy: Proxy | undefined
}

const planNode = async (nodeId: number, take: () => Promise<number>, options: KafkaOptions): Promise<Node> => {
  const secure = async (): Promise<BrokerPorts['secure']> => ({
    saslPlaintext: await take(),
    saslSsl: await take(),
    ssl: await take(),
    mtls: await take(),
  })
  const doors = { plaintext: await take(), controller: await take(), ...(options.secure === true && { secure: await secure() }) }
  if (options.toxiproxy === undefined) return { nodeId, ports: doors as BrokerPorts, proxy: undefined }
  const listen = await take()
  const advertise = await take()
  const proxy = await options.toxiproxy.proxy(listen, { listen: advertise, name: `kafka-${nodeId}-${advertise}` })
  return { nodeId, ports: { ...doors, proxied: { listen, advertise } } as BrokerPorts, proxy }
}

const addressesOf = (clusterId: string, nodes: readonly Node[], certificates: Certificates | undefined): KafkaAddresses => {
  const door = (host: string, port: (ports: BrokerPorts) => number | undefined): string[] =>
    nodes.flatMap(({ ports }) => (port(ports) === undefined ? [] : [`${host}:${port(ports)}`]))
  return {
    clusterId,
    bootstrap: door('127.0.0.1', (ports) => ports.plaintext),
    proxied: door('127.0.0.1', (ports) => ports.proxied?.advertise),
    ...(certificates !== undefined && {
      secure: {
        saslPlaintext: door('127.0.0.1', (ports) => ports.secure?.saslPlaintext),
        saslSsl: door('localhost', (ports) => ports.secure?.saslSsl),
        ssl: door('localhost', (ports) => ports.secure?.ssl),
        mtls: door('localhost', (ports) => ports.secure?.mtls),
        certificates,
        credentials,
      },
    }),
  }
}

/** `StorageTool format -S` takes one entry a mechanism and user. */
const scramUsers = (): readonly string[] =>
  ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) =>
    users.map(({ username, password }) => `${mechanism}=[name=${username},password=${password}]`),
  )

const clusterOf = (addresses: KafkaAddresses, brokers: readonly Broker[], stop: () => Promise<void>): KafkaCluster => ({
  ...addresses,
  brokers,
  get broker() {
    const [only] = brokers
    if (only === undefined || brokers.length > 1) throw new Error('`broker` is for a server of one node; see `brokers`')
    return only
  },
  createTopic: (topic, options) => createTopic(addresses.bootstrap, topic, options),
  leaderOf: async (topic, partition = 0) => {
    const nodeId = await leaderOf(addresses.bootstrap, topic, partition)
    const leader = brokers.find((broker) => broker.nodeId === nodeId)
    if (leader === undefined) throw new Error(`${topic}/${partition} has no leader`)
    return leader
  },
  stop,
  [Symbol.asyncDispose]: stop,
})

/** A broker with all doors, and what most tests do with it: its classes are those worth keeping. */
const useOnce = async (version: string, classFlags: readonly string[]): Promise<void> => {
  const server = await start(1, { secure: true, version }, classFlags)
  try {
    await server.createTopic('classes')
    const client = createClient({ brokers: [...server.bootstrap] })
    const producer = client.producer()
    await producer.connect()
    await producer.send({ topic: 'classes', messages: [{ value: 'x' }] })
    await producer.disconnect()
    await readTopic(client, 'classes', 1)
    // It writes the archive when it ends: 10 s on a free machine.
    await server.broker.stop(180_000)
  } finally {
    await server.stop()
  }
}

/** Starts so many brokers, which are controllers too. Throws a `TestBedError` when they cannot be had. */
export const startKafka = async (nodeCount: number, options: KafkaOptions): Promise<KafkaCluster> => {
  const version = options.version ?? kafkaVersion
  await kafkaJars(version)
  return start(nodeCount, options, await classArchiveFlags(version, (flags) => useOnce(version, flags)))
}

const start = async (nodeCount: number, options: KafkaOptions, classFlags: readonly string[]): Promise<KafkaCluster> => {
  const jars = await kafkaJars(options.version)
  const folder = scratchFolder('kafka')
  const ports = createPortSet()
  const clusterId = createClusterId()
  const nodes: Node[] = []
  const brokers: Broker[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(brokers.map((broker) => broker.kill9()))
    for (const { proxy } of nodes) await proxy?.remove().catch(() => undefined)
    ports.release()
    folder.remove()
  }
  try {
    for (let nodeId = 1; nodeId <= nodeCount; nodeId++) nodes.push(await planNode(nodeId, ports.take, options))
    const certificates = options.secure === true ? await makeCertificates(folder.path, options.serverCertificate) : undefined
    const voters = nodes.map(({ nodeId, ports: { controller } }) => ({ nodeId, port: controller }))
    for (const { nodeId, ports: own, proxy } of nodes) {
      const home = join(folder.path, `node-${nodeId}`)
      const dataFolder = join(home, 'data')
      const text = serverProperties({
        nodeId,
        ports: own,
        voters,
        dataFolder,
        certificateFolder: folder.path,
        users,
        extra: options.properties ?? {},
      })
      mkdirSync(home)
      writeFileSync(join(home, 'server.properties'), text, { mode: 0o600 })
      const scram = options.secure === true ? scramUsers() : []
      await formatData({ version: options.version ?? kafkaVersion, jars, scram, nodeId, clusterId, dataFolder })
      brokers.push(
        createBroker({
          nodeId,
          address: `127.0.0.1:${own.plaintext}`,
          proxy,
          folder: home,
          jars,
          heapMb: options.heapMb ?? 512,
          logLevel: options.logLevel ?? 'warn',
          compiler: options.compiler ?? 'quick',
          classFlags,
        }),
      )
    }
    await Promise.all(brokers.map((broker) => broker.start()))
    return clusterOf(addressesOf(clusterId, nodes, certificates), brokers, stop)
  } catch (error) {
    await stop()
    throw error
  }
}
