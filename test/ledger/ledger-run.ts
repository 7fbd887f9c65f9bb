import { statSync } from 'node:fs'
import { join } from 'node:path'
import { startConnector, type Connector, type ConnectorProgram } from '../processes/connector.ts'
import { scratchFolder, type ScratchFolder } from '../processes/reaper.ts'
import { waitUntil } from '../processes/wait-until.ts'
import type { BehaviourRule } from './behaviour.ts'
import { callsOf, type Call } from './calls.ts'
import { startFunctionProcess, type FunctionProcess } from './function-process.ts'
import type { LedgerFunction } from './function-server.ts'
import type { Load } from './load.ts'
import { createPublisher, type Publisher } from './publisher.ts'
import { followRecords, type InvocationRecord, type PublishRecord } from './records.ts'

export interface LedgerSides {
  /** Makes the ids unique: the topic or queue. */
  readonly prefix: string
  /** @default 40 */
  readonly keys?: number
  readonly functions: readonly LedgerFunction[]
  readonly behaviour?: readonly BehaviourRule[]
}

/** Both sides of a ledger in a folder of their own: a publisher here, functions in a process of their own. */
export interface OpenedSides {
  readonly folder: ScratchFolder
  readonly functions: FunctionProcess
  readonly publisher: Publisher
}

export const openSides = async ({ prefix, keys = 40, functions, behaviour = [] }: LedgerSides): Promise<OpenedSides> => {
  const folder = scratchFolder('ledger-run')
  try {
    const process = await startFunctionProcess({ path: join(folder.path, 'invocations'), functions, behaviour })
    return { folder, functions: process, publisher: createPublisher({ path: join(folder.path, 'published'), keys, prefix }) }
  } catch (error) {
    folder.remove()
    throw error
  }
}

/** A ledger with connectors as programs between its sides. Everything ends with it. */
export class LedgerRun implements AsyncDisposable {
  readonly functions: FunctionProcess
  readonly publisher: Publisher
  readonly #folder: ScratchFolder
  readonly #connectors: Connector[] = []
  readonly #loads: Load[] = []
  readonly #readPublished: () => readonly PublishRecord[]
  readonly #readInvocations: () => readonly InvocationRecord[]

  constructor(sides: OpenedSides) {
    // Tests ask ten times a second.
    this.#readPublished = followRecords(join(sides.folder.path, 'published'))
    this.#readInvocations = followRecords(join(sides.folder.path, 'invocations'))
    this.functions = sides.functions
    this.publisher = sides.publisher
    this.#folder = sides.folder
  }

  get folder(): string {
    return this.#folder.path
  }

  /** Starts a connector. It ends with the run at the latest. */
  protected async startProgram(program: ConnectorProgram): Promise<Connector> {
    const connector = await startConnector(program)
    this.adopt(connector)
    return connector
  }

  /** It ends with the run at the latest. */
  adopt(connector: Connector): void {
    this.#connectors.push(connector)
  }

  /** It is finished with the run at the latest. */
  protected addLoad(load: Load): Load {
    this.#loads.push(load)
    return load
  }

  /** No more events; resolves when the last one is confirmed or refused. */
  async finishLoads(): Promise<void> {
    await Promise.all(this.#loads.map((load) => load.finish()))
  }

  published(): readonly PublishRecord[] {
    return this.#readPublished()
  }

  invocations(): readonly InvocationRecord[] {
    return this.#readInvocations()
  }

  calls(): readonly Call[] {
    return callsOf(this.invocations())
  }

  /** Grows with each call. Cheap. */
  get activity(): number {
    return statSync(join(this.#folder.path, 'invocations')).size
  }

  /** Ids that a function had with success. */
  succeeded(): ReadonlySet<string> {
    return new Set(this.calls().flatMap(({ id, success }) => (success ? [id] : [])))
  }

  async waitForSuccesses(count: number, timeoutMs = 30_000): Promise<void> {
    let seen = 0
    await waitUntil(() => (seen = this.succeeded().size) >= count, {
      timeoutMs,
      everyMs: 100,
      what: () => `${count} successes; there are ${seen}${this.tails()}`,
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.finishLoads()
    await Promise.all(this.#connectors.map((connector) => connector.kill9()))
    await this.functions.close()
    this.publisher.close()
    this.#folder.remove()
  }

  /** The ends of what the connectors that run have written, for messages. */
  protected tails(): string {
    return this.#connectors
      .filter(({ running }) => running)
      .map((connector) => `\n--- connector ${connector.pid}:\n${connector.output().slice(-4000)}`)
      .join('')
  }
}
