import type { Readable } from 'node:stream'
import { Worker } from 'node:worker_threads'
import type { HandlerFile } from '../stack/handler-file.ts'
import type { FromWorker, ToWorker, WorkerCall, WorkerReply, WorkerStart } from './protocol.ts'

/** The worker ended while the call ran, or cannot start. */
export class WorkerDown extends Error {
  override readonly name: string = 'WorkerDown'
}

export interface FunctionWorkerOptions {
  readonly handler: HandlerFile
  readonly environment: Readonly<Record<string, string>>
  /** Heap of the thread. @default Node's own */
  readonly memoryMb: number | undefined
  /** A line that the function wrote. */
  readonly output: (stream: 'stdout' | 'stderr', line: string) => void
  /** The thread ended without being asked to, or its code cannot be loaded. */
  readonly crashed: (reason: string) => void
}

interface Pending {
  readonly resolve: (reply: WorkerReply) => void
  readonly reject: (error: Error) => void
}

/** Source in tests and development, build in a package. */
const entry: URL = new URL(import.meta.url.endsWith('.ts') ? './worker-entry.ts' : './worker-entry.js', import.meta.url)

const pongMs = 500
/** Top-level code that takes longer is taken for a loop without end. */
const loadMs = 10_000
const longestLine = 4096
const calmMs = 1000
/** The first restart is at once; a function that keeps ending soon after its start waits longer each time. */
const backOff = (failures: number): number => (failures <= 1 ? 0 : Math.min(100 * 2 ** (failures - 2), 5000))

/** Calls `line` for each line of a stream; a line without end is cut. */
const eachLine = (stream: Readable, line: (text: string) => void): void => {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n')
    rest = parts.pop() ?? ''
    for (const part of parts) line(part.slice(0, longestLine))
    if (rest.length > longestLine) {
      line(rest.slice(0, longestLine))
      rest = ''
    }
  })
  stream.on('end', () => rest !== '' && line(rest))
}

/** One function's thread: starts it, restarts it after a crash with growing pauses, and pairs calls with replies. */
export class FunctionWorker {
  readonly #options: FunctionWorkerOptions
  readonly #pending = new Map<number, Pending>()
  #worker: Worker | undefined
  #ready: Promise<void> = Promise.resolve()
  #nextId = 0
  #failures = 0
  #restart: NodeJS.Timeout | undefined
  #pong: NodeJS.Timeout | undefined
  #closed = false

  constructor(options: FunctionWorkerOptions) {
    this.#options = options
    this.#start()
  }

  /** Resolves when calls can run. Rejects with `WorkerDown` when the code cannot be loaded. */
  get ready(): Promise<void> {
    return this.#ready
  }

  /** Resolves when the handler is loaded, or has failed to. */
  get settled(): Promise<void> {
    return this.#ready.catch(() => undefined)
  }

  /** Calls running. */
  get inFlight(): number {
    return this.#pending.size
  }

  /** Rejects with `WorkerDown` when the thread ends first. */
  async call(call: Omit<WorkerCall, 'type' | 'id'>): Promise<WorkerReply> {
    await this.#ready
    const worker = this.#worker
    if (worker === undefined) throw new WorkerDown('the function is down')
    this.#nextId += 1
    const id = this.#nextId
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject })
      this.#post(worker, { type: 'call', id, ...call })
    })
  }

  /** Ends the thread and starts another if its event loop does not answer: a handler that loops without end stops all others too. */
  checkAlive(): void {
    const worker = this.#worker
    if (worker === undefined || this.#pong !== undefined) return
    this.#post(worker, { type: 'ping' })
    this.#pong = setTimeout(() => {
      this.#pong = undefined
      void worker.terminate()
    }, pongMs)
  }

  /** Ends the thread. Running calls reject. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#restart)
    clearTimeout(this.#pong)
    await this.#worker?.terminate()
    this.#fail('the function was stopped')
  }

  #post(worker: Worker, message: ToWorker): void {
    worker.postMessage(message)
  }

  #start(): void {
    const { handler, environment, memoryMb, output } = this.#options
    const workerData: WorkerStart = { file: handler.file, folder: handler.folder }
    const worker = new Worker(entry, {
      workerData,
      // The gateway's own environment, with its secrets, is none of the function's business.
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', NODE_ENV: 'development', ...environment },
      stdout: true,
      stderr: true,
      ...(memoryMb === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: memoryMb } }),
    })
    this.#worker = worker
    const started = performance.now()
    eachLine(worker.stdout, (line) => output('stdout', line))
    eachLine(worker.stderr, (line) => output('stderr', line))
    let reason = ''
    let loaded = false
    const slow = setTimeout(() => {
      reason = `its code was not loaded after ${loadMs / 1000} s`
      void worker.terminate()
    }, loadMs)
    this.#ready = new Promise((resolve, reject) => {
      worker.on('message', (message: FromWorker) => {
        if (message.type === 'ready') {
          clearTimeout(slow)
          loaded = true
          resolve()
        } else if (message.type === 'failed') reason = message.reason
        else this.#onMessage(message)
      })
      worker.once('error', (error: Error) => {
        reason = error.message
      })
      worker.once('exit', (code) => {
        clearTimeout(slow)
        const why = reason === '' ? `it ended with code ${code}` : reason
        reject(new WorkerDown(why))
        this.#onExit(worker, why, loaded, performance.now() - started)
      })
    })
    // Nobody may be waiting for it: calls that come find out by themselves.
    this.#ready.catch(() => undefined)
  }

  #onMessage(message: FromWorker): void {
    if (message.type === 'pong') {
      clearTimeout(this.#pong)
      this.#pong = undefined
    } else if (message.type === 'reply') {
      this.#pending.get(message.id)?.resolve(message)
      this.#pending.delete(message.id)
    }
  }

  #onExit(worker: Worker, reason: string, loaded: boolean, upMs: number): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    clearTimeout(this.#pong)
    this.#pong = undefined
    this.#fail(reason)
    if (this.#closed) return
    this.#options.crashed(reason)
    this.#failures = upMs > calmMs ? 1 : this.#failures + 1
    // Code that cannot be loaded will hardly load a moment later.
    const wait = backOff(loaded ? this.#failures : this.#failures + 1)
    if (wait === 0) return this.#start()
    this.#restart = setTimeout(() => this.#start(), wait)
    this.#restart.unref()
  }

  #fail(reason: string): void {
    for (const { reject } of this.#pending.values()) reject(new WorkerDown(reason))
    this.#pending.clear()
  }
}
