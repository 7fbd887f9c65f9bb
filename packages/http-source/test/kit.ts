import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import type { Agent } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createConnector, memoryState, noMetrics, openSpool, silentLogger, systemClock } from '@millrace/sdk'
import type { Connector, ConnectorOptions, SourceContext } from '@millrace/sdk'
import { fakeGateway, leakGuard, manualClock } from '@millrace/sdk/testing'
import type { FakeGateway, FakeGatewayOptions } from '@millrace/sdk/testing'
import { afterEach } from 'vitest'
import { httpSource } from '../src/http-source.ts'
import type { HttpSource } from '../src/http-source.ts'
import type { HttpSourceOptions } from '../src/options.ts'

const cleanups: (() => Promise<unknown>)[] = []

/** Runs when the test ends, the last one first, before the leaks are looked for. */
export const atEnd = (run: () => Promise<unknown>): void => void cleanups.push(run)

/** Call it at the top of a file: nothing may be left behind, and what `atEnd` was told is run. */
export const guardTests = (): void => {
  leakGuard()
  afterEach(async () => {
    for (const run of cleanups.splice(0).toReversed()) await run()
  })
}

/** A whole answer. */
export interface Answer {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly text: string
  json(): Record<string, unknown>
}

export interface SendOptions {
  readonly method?: string
  /** Pairs, so that names may repeat. */
  readonly headers?: readonly (readonly [string, string])[]
  readonly agent?: Agent
}

/** Sends one request on a connection of its own and reads the answer. */
export const send = (url: string, body: string | Uint8Array = '', options: SendOptions = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { method = 'POST', headers = [], agent } = options
    const out = request(url, { method, agent: agent ?? false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          json: () => JSON.parse(text) as Record<string, unknown>,
        })
      })
    })
    out.on('error', reject)
    const names = new Set(headers.map(([name]) => name))
    for (const name of names)
      out.setHeader(
        name,
        headers.filter(([other]) => other === name).map(([, value]) => value),
      )
    out.end(body)
  })

export interface Bench {
  readonly gateway: FakeGateway
  readonly source: HttpSource
  readonly connector: Connector
  /** `http://127.0.0.1:PORT/topics/`. */
  readonly url: string
  post(path: string, body?: string | Uint8Array, headers?: readonly (readonly [string, string])[]): Promise<Answer>
}

/** A folder that is removed when the test ends. */
export const tempFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'http-source-'))
  atEnd(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A fake gateway, a spool on disk and a connector with the source, started and connected; all closed when the test ends. */
export const bench = async (
  functions: FakeGatewayOptions['functions'],
  more: { source?: HttpSourceOptions; connector?: Partial<ConnectorOptions>; folder?: string } = {},
): Promise<Bench> => {
  const directory = more.folder ?? (await tempFolder())
  const gateway = await fakeGateway({ functions: functions ?? {} })
  const spool = await openSpool({ directory, clock: systemClock, logger: silentLogger })
  const source = httpSource(more.source)
  const connector = createConnector({
    gateway: { url: gateway.url },
    source,
    spool,
    rebuildIntervalMs: 50,
    policy: { retry: { minWaitMs: 5, maxWaitMs: 20 } },
    drainMs: 1000,
    ...more.connector,
  })
  atEnd(async () => {
    await connector.kill()
    await spool.close()
    await gateway.close()
  })
  const url = await source.listen()
  const connected = new Promise<void>((resolve) => connector.on('source:connected', () => resolve()))
  await connector.start()
  await connected
  return {
    gateway,
    source,
    connector,
    url,
    post: (path, body, headers) => send(`${url}${path}`, body, headers === undefined ? {} : { headers }),
  }
}

/** A runtime that is the test: takes everything, calls nobody, and its clock stands still. */
export const handMadeContext = (more: Partial<SourceContext> = {}): SourceContext => ({
  functions: { snapshot: () => [], get: () => undefined, subscribe: () => () => {} },
  emit: () => {},
  accept: () => Promise.resolve(true),
  revoke: () => Promise.resolve(),
  reportProblems: () => {},
  state: memoryState({ clock: systemClock }),
  metrics: noMetrics,
  clock: manualClock(),
  draining: new AbortController().signal,
  signal: new AbortController().signal,
  logger: silentLogger,
  ...more,
})

/** Polls until the condition holds; for things that happen over a socket. */
export const until = async (what: string, holds: () => boolean, timeoutMs = 10_000): Promise<void> => {
  const end = Date.now() + timeoutMs
  while (!holds()) {
    if (Date.now() > end) throw new Error(`still not so: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** Sends bytes as they are and gives what comes back until the other side ends the connection. */
export const raw = (url: string, ...parts: readonly (string | Uint8Array)[]): Promise<string> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = []
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    const end = (): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(Buffer.concat(chunks).toString('latin1'))
    }
    const timer = setTimeout(end, 5000)
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('end', end).on('error', end)
    for (const part of parts) socket.write(typeof part === 'string' ? Buffer.from(part, 'latin1') : part)
  })

/** Headers of a raw request to a topic, with the blank line. */
export const head = (path: string, ...lines: readonly string[]): string =>
  [`POST ${path} HTTP/1.1`, 'Host: events', ...lines, '', ''].join('\r\n')
