import { createHash } from 'node:crypto'
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cached } from '../cache.ts'
import { runTool } from '../tools.ts'
import { createClusterId } from './addresses.ts'
import { serverProperties } from './properties.ts'

export interface FormatInput {
  readonly version: string
  readonly jars: string
  /** Users as `StorageTool format -S` takes them. */
  readonly scram: readonly string[]
  readonly nodeId: number
  readonly clusterId: string
  readonly dataFolder: string
}

/** A data folder as the format tool makes it. Only `meta.properties` depends on the node and the cluster, so that one is enough for all. */
const template = ({ version, jars, scram }: FormatInput): Promise<string> => {
  const digest = createHash('sha256').update(scram.join('\n')).digest('hex').slice(0, 12)
  return cached(`kafka-${version}-data-${digest}`, async (folder) => {
    const file = join(folder, 'server.properties')
    const ports = { plaintext: 1, controller: 2 }
    const node = { nodeId: 1, ports, voters: [{ nodeId: 1, port: 2 }], certificateFolder: '', users: [], extra: {} }
    writeFileSync(file, serverProperties({ ...node, dataFolder: join(folder, 'data') }))
    const users = scram.flatMap((user) => ['-S', user])
    const tool = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp', `${jars}/*`, 'kafka.tools.StorageTool']
    await runTool('java', [...tool, 'format', '-t', createClusterId(), '-c', file, ...users])
  })
}

/** Makes the data folder of a node, once: a folder that is there keeps its data. Starts no JVM when the cache has the template. */
export const formatData = async (input: FormatInput): Promise<void> => {
  if (existsSync(input.dataFolder)) return
  const made = await template(input)
  cpSync(join(made, 'data'), input.dataFolder, { recursive: true })
  const path = join(input.dataFolder, 'meta.properties')
  const text = readFileSync(path, 'utf8')
    .replace(/^node\.id=.*$/m, `node.id=${input.nodeId}`)
    .replace(/^cluster\.id=.*$/m, `cluster.id=${input.clusterId}`)
    .replace(/^directory\.id=.*$/m, `directory.id=${createClusterId()}`)
  writeFileSync(path, text)
}
