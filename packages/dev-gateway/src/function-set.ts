import { createHash } from 'node:crypto'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { FunctionStatus, GatewayFunction, GatewayProvider } from '@millrace/sdk/testing/gateway'
import type { EventBus } from './events.ts'
import { hostedFunction, type RunningFunction } from './hosted-function.ts'
import type { StackFunction } from './stack/read-stack.ts'
import { upstreamFunction } from './upstream-function.ts'

const maxFiles = 2000

/** Names, sizes and times of the files of a folder, without what npm put there. */
const filesOf = (folder: string, found: string[] = []): string[] => {
  for (const item of readdirSync(folder, { withFileTypes: true })) {
    if (found.length >= maxFiles || item.name === 'node_modules' || item.name.startsWith('.')) continue
    const path = join(folder, item.name)
    if (item.isDirectory()) filesOf(path, found)
    else if (item.isFile()) {
      const { size, mtimeMs } = statSync(path)
      found.push(`${path} ${size} ${mtimeMs}`)
    }
  }
  return found
}

/** Changes when the function must be started anew. */
const fingerprint = (declared: StackFunction): string => {
  const { annotations: _annotations, labels: _labels, ...runs } = declared
  const files = declared.runs.kind === 'handler' ? filesOf(declared.runs.handler.folder) : []
  return createHash('sha256')
    .update(JSON.stringify([runs, files]))
    .digest('hex')
}

interface Deployed {
  readonly declared: StackFunction
  readonly fingerprint: string
  readonly createdAt: string
  readonly running: RunningFunction
  calls: number
  readonly asGateway: GatewayFunction
}

/** The functions of a dev gateway, and what they are made from. */
export class FunctionSet implements GatewayProvider {
  readonly #bus: EventBus
  readonly #defaultNamespace: string
  readonly #retiring = new Set<RunningFunction>()
  #deployed: ReadonlyMap<string, Deployed> = new Map()

  constructor(bus: EventBus, defaultNamespace: string) {
    this.#bus = bus
    this.#defaultNamespace = defaultNamespace
  }

  namespaces(): readonly string[] {
    const more = new Set([...this.#deployed.values()].map(({ declared }) => declared.namespace ?? this.#defaultNamespace))
    more.delete(this.#defaultNamespace)
    return [this.#defaultNamespace, ...[...more].toSorted()]
  }

  list(): readonly GatewayFunction[] {
    return [...this.#deployed.values()].map(({ asGateway }) => asGateway)
  }

  find(name: string, namespace: string | undefined): GatewayFunction | undefined {
    return this.#deployed.get(`${name}.${namespace ?? this.#defaultNamespace}`)?.asGateway
  }

  get size(): number {
    return this.#deployed.size
  }

  /** Starts what is new or changed, stops what is gone; everything else goes on untouched. Gives the names of what differs. */
  async replace(wanted: readonly StackFunction[], createdAt: string): Promise<string[]> {
    const before = this.#deployed
    const after = new Map<string, Deployed>()
    const changed: string[] = []
    // All of them before anything starts: a folder that vanishes meanwhile must not leave half a set behind.
    const prints = wanted.map((declared) => ({ declared, print: fingerprint(declared) }))
    for (const { declared, print } of prints) {
      const key = `${declared.name}.${declared.namespace ?? this.#defaultNamespace}`
      const old = before.get(key)
      const same = old?.fingerprint === print
      if (!same || JSON.stringify(old.declared) !== JSON.stringify(declared)) changed.push(key)
      after.set(key, same ? this.#deploy(key, declared, print, old.createdAt, old) : this.#deploy(key, declared, print, createdAt))
    }
    changed.push(...[...before.keys()].filter((key) => !after.has(key)))
    await Promise.all([...after.values()].map(({ running }) => running.settled))
    this.#deployed = after
    const kept = new Set([...after.values()].map(({ running }) => running))
    for (const { running } of before.values()) if (!kept.has(running)) this.#retire(running)
    return changed
  }

  async close(): Promise<void> {
    const running = [...[...this.#deployed.values()].map((deployed) => deployed.running), ...this.#retiring]
    await Promise.all(running.map((one) => one.close()))
  }

  /** Calls that run in the old code may finish there. */
  #retire(running: RunningFunction): void {
    this.#retiring.add(running)
    void running.idle().then(async () => {
      await running.close()
      this.#retiring.delete(running)
    })
  }

  #deploy(key: string, declared: StackFunction, print: string, createdAt: string, old?: Deployed): Deployed {
    const running = old?.running ?? this.#run(key, declared)
    const deployed: Omit<Deployed, 'asGateway'> = { declared, fingerprint: print, createdAt, running, calls: old?.calls ?? 0 }
    const status = (): FunctionStatus => ({
      name: declared.name,
      image: declared.image,
      namespace: declared.namespace ?? this.#defaultNamespace,
      labels: declared.labels,
      annotations: declared.annotations,
      ...(declared.limits === undefined ? {} : { limits: declared.limits }),
      ...(declared.requests === undefined ? {} : { requests: declared.requests }),
      invocationCount: deployed.calls,
      replicas: 1,
      availableReplicas: 1,
      createdAt,
    })
    const asGateway: GatewayFunction = {
      get status() {
        return status()
      },
      replicas: 1,
      scaleUp: () => Promise.resolve(),
      invoke(call) {
        deployed.calls += 1
        return running.invoke(call)
      },
    }
    return Object.assign(deployed, { asGateway })
  }

  #run(key: string, declared: StackFunction): RunningFunction {
    const { runs } = declared
    if (runs.kind === 'upstream') return upstreamFunction(declared.name, runs.url)
    return hostedFunction(declared, runs.handler, {
      output: (stream, line) => this.#bus.emit('function:output', { function: key, stream, line }),
      crashed: (reason) => this.#bus.emit('function:crashed', { function: key, reason }),
      threw: () => this.#bus.emit('function:threw', { function: key }),
    })
  }
}
