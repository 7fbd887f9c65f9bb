import { join } from 'node:path'
import { startChild } from '../processes/child.ts'
import { waitUntil } from '../processes/wait-until.ts'
import { cached } from './cache.ts'
import { reservePort } from './ports.ts'
import { TestBedError } from './test-bed-error.ts'
import { runTool } from './tools.ts'

const version = '2.12.0'

/** Faults by their names and attributes (github.com/Shopify/toxiproxy, README). They act on open connections too. */
export type Toxic =
  | { readonly type: 'latency'; readonly latencyMs: number; readonly jitterMs?: number }
  | { readonly type: 'bandwidth'; readonly kibPerSecond: number }
  /** New connections are reset, after `afterMs`. @default 0 */
  | { readonly type: 'reset'; readonly afterMs?: number }
  /** No data, and the connection stays open: a black hole. It is cut when the toxic is removed. */
  | { readonly type: 'black-hole' }
  /** No data, and the connection is closed after `afterMs`. */
  | { readonly type: 'timeout'; readonly afterMs: number }
  /** Closed after so many bytes. */
  | { readonly type: 'limit-data'; readonly bytes: number }
  /** Data in slices of `bytes`, `delayUs` microseconds apart. */
  | { readonly type: 'slicer'; readonly bytes: number; readonly delayUs: number }

/** A toxic in force. */
export interface ToxicHandle {
  remove(): Promise<void>
}

/** A port that leads to another one. */
export interface Proxy {
  readonly name: string
  readonly host: string
  readonly port: number
  /** `downstream`: what the client receives. @default 'downstream' */
  add(toxic: Toxic, stream?: 'downstream' | 'upstream'): Promise<ToxicHandle>
  /** Cuts all connections and refuses new ones. */
  disable(): Promise<void>
  enable(): Promise<void>
  /** Removes all toxics and enables. */
  heal(): Promise<void>
  remove(): Promise<void>
}

export interface Toxiproxy {
  readonly pid: number
  /** `listen`: a port of 127.0.0.1. @default 0, a free one */
  proxy(upstreamPort: number, options?: { readonly listen?: number; readonly name?: string }): Promise<Proxy>
  /** Of all proxies. */
  heal(): Promise<void>
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** The path of the program, installed with Go into the cache when it is not there. */
export const toxiproxyProgram = async (): Promise<string> => {
  const folder = await cached(`toxiproxy-${version}`, async (target) => {
    const module = `github.com/Shopify/toxiproxy/v2/cmd/server@v${version}`
    try {
      await runTool('go', ['install', module], { env: { ...process.env, GOBIN: target, GOFLAGS: '' } })
    } catch (error) {
      if (error instanceof TestBedError) throw error
      throw new TestBedError('E_TESTBED_DOWNLOAD', { what: `Toxiproxy ${version}`, reason: (error as Error).message }, '', error)
    }
  })
  return join(folder, 'server')
}

const attributesOf = (toxic: Toxic): readonly [type: string, attributes: Readonly<Record<string, number>>] => {
  switch (toxic.type) {
    case 'latency':
      return ['latency', { latency: toxic.latencyMs, jitter: toxic.jitterMs ?? 0 }]
    case 'bandwidth':
      return ['bandwidth', { rate: toxic.kibPerSecond }]
    case 'reset':
      return ['reset_peer', { timeout: toxic.afterMs ?? 0 }]
    case 'black-hole':
      return ['timeout', { timeout: 0 }]
    case 'timeout':
      return ['timeout', { timeout: toxic.afterMs }]
    case 'limit-data':
      return ['limit_data', { bytes: toxic.bytes }]
    case 'slicer':
      return ['slicer', { average_size: toxic.bytes, size_variation: 0, delay: toxic.delayUs }]
  }
}

type Call = (method: string, path: string, body?: unknown) => Promise<unknown>

const createCall =
  (api: string): Call =>
  async (method, path, body) => {
    const response = await fetch(`${api}${path}`, {
      method,
      // No connection is kept: one that outlives the server would make the next call fail.
      headers: { connection: 'close' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok)
      throw new TestBedError('E_TESTBED_TOXIPROXY', { call: `${method} ${path}`, reason: `${response.status} ${text.trim()}` })
    return text === '' ? undefined : (JSON.parse(text) as unknown)
  }

const createProxy = async (call: Call, upstreamPort: number, listen: number, name: string): Promise<Proxy> => {
  const made = (await call('POST', '/proxies', { name, listen: `127.0.0.1:${listen}`, upstream: `127.0.0.1:${upstreamPort}` })) as {
    readonly listen: string
  }
  const toxics = new Set<string>()
  let number = 0
  const enabled = async (value: boolean): Promise<void> => void (await call('POST', `/proxies/${name}`, { enabled: value }))
  const removeToxic = async (toxic: string): Promise<void> => {
    if (toxics.delete(toxic)) await call('DELETE', `/proxies/${name}/toxics/${toxic}`)
  }
  return {
    name,
    host: '127.0.0.1',
    port: Number(made.listen.split(':').at(-1)),
    add: async (toxic, stream = 'downstream') => {
      const [type, attributes] = attributesOf(toxic)
      const id = `t${number++}`
      await call('POST', `/proxies/${name}/toxics`, { name: id, type, stream, attributes })
      toxics.add(id)
      return { remove: () => removeToxic(id) }
    },
    disable: () => enabled(false),
    enable: () => enabled(true),
    heal: async () => {
      for (const toxic of toxics) await removeToxic(toxic)
      await enabled(true)
    },
    remove: async () => void (await call('DELETE', `/proxies/${name}`)),
  }
}

/** Starts a Toxiproxy. Throws `E_TESTBED_TOOL` without Go and `E_TESTBED_DOWNLOAD` without a network, the first time. */
export const startToxiproxy = async (): Promise<Toxiproxy> => {
  const program = await toxiproxyProgram()
  const reserved = await reservePort()
  const child = await startChild({
    command: program,
    args: ['-host', '127.0.0.1', '-port', String(reserved.port)],
    env: { LOG_LEVEL: 'error' },
  })
  const call = createCall(`http://127.0.0.1:${reserved.port}`)
  const stop = async (): Promise<void> => {
    await child.stop()
    reserved.release()
  }
  try {
    const answers = (): Promise<boolean> =>
      call('GET', '/version').then(
        () => true,
        () => !child.running,
      )
    await waitUntil(answers, { timeoutMs: 15_000, everyMs: 20, what: 'Toxiproxy to answer' })
    if (!child.running) throw new Error('it ended')
  } catch (error) {
    const output = child.output()
    await stop()
    throw new TestBedError('E_TESTBED_BROKER', { what: 'Toxiproxy', reason: (error as Error).message }, output, error)
  }
  let number = 0
  return {
    pid: child.pid,
    proxy: (upstreamPort, { listen = 0, name = `p${number++}` } = {}) => createProxy(call, upstreamPort, listen, name),
    heal: async () => void (await call('POST', '/reset')),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}
