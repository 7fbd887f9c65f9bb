import type { FunctionCall, FunctionReply } from '@millrace/sdk/testing/gateway'
import { headerValue } from '@millrace/sdk/testing/gateway'
import { goDuration } from './stack/go-duration.ts'
import type { StackFunction } from './stack/read-stack.ts'
import type { HandlerFile } from './stack/handler-file.ts'
import { FunctionWorker, WorkerDown } from './worker/function-worker.ts'

/** What a running function tells about itself. */
export interface FunctionEvents {
  output(stream: 'stdout' | 'stderr', line: string): void
  crashed(reason: string): void
  /** Its handler threw. OpenFaaS' own template answers 200 then; this gateway answers 500. */
  threw(): void
}

/** A function that can be called and stopped. */
export interface RunningFunction {
  invoke(call: FunctionCall): Promise<FunctionReply>
  /** Resolves when it can be called, or has failed to start. */
  readonly settled: Promise<void>
  /** Resolves when no call runs. */
  idle(): Promise<void>
  close(): Promise<void>
}

/** of-watchdog's default for `exec_timeout`. */
const defaultExecMs = 10_000

const watchdog = (status: number): FunctionReply => ({ status, headers: [['X-OpenFaaS-Internal', 'of-watchdog']] })

const tooMany = (limit: number): FunctionReply => ({
  status: 429,
  headers: [
    ['Content-Type', 'text/plain; charset=utf-8'],
    ['X-OpenFaaS-Internal', 'faas-middleware'],
  ],
  body: `Concurrent request limit exceeded. Max concurrent requests: ${limit}\n`,
})

const megabytes = (text: string | undefined): number | undefined => {
  const [, number, unit] = /^(\d+)(Mi|M|Gi|G)?$/.exec(text ?? '') ?? []
  if (number === undefined) return undefined
  if (unit === undefined) return Math.max(16, Math.ceil(Number(number) / 1024 ** 2))
  return Math.max(16, Number(number) * (unit.startsWith('G') ? 1024 : 1))
}

/** `X-Timeout` lowers the watchdog's limit and never raises it. */
const limitFor = (call: FunctionCall, execMs: number): number => {
  const asked = goDuration(headerValue(call.headers, 'x-timeout') ?? '')
  if (asked === undefined || asked <= 0) return execMs
  return execMs === 0 ? asked : Math.min(asked, execMs)
}

const late: unique symbol = Symbol('exec_timeout')

/** Runs a handler in its own thread behind what of-watchdog does: a time limit, a limit of concurrent calls, 500 when it is down. */
export const hostedFunction = (declared: StackFunction, handler: HandlerFile, events: FunctionEvents): RunningFunction => {
  const { environment, limits } = declared
  const execMs = goDuration(environment['exec_timeout'] ?? '') ?? defaultExecMs
  const maxInFlight = Number.parseInt(environment['max_inflight'] ?? '', 10) || 0
  const worker = new FunctionWorker({
    handler,
    environment,
    memoryMb: megabytes(limits?.memory),
    output: (stream, line) => events.output(stream, line),
    crashed: (reason) => events.crashed(reason),
  })
  let running = 0
  const whenIdle: (() => void)[] = []

  const runLimited = async (call: FunctionCall): Promise<FunctionReply> => {
    // A start counts for nobody's time limit.
    await worker.ready
    let timer: NodeJS.Timeout | undefined
    const limit = limitFor(call, execMs)
    const timeout = new Promise<typeof late>((resolve) => {
      if (limit > 0) timer = setTimeout(() => resolve(late), limit)
      call.signal.addEventListener('abort', () => resolve(late), { once: true })
    })
    const { method, query, body } = call
    const reply = worker.call({ method, path: call.path === '' ? '/' : call.path, query, headers: call.headers.flat(), body })
    try {
      const first = await Promise.race([reply, timeout])
      if (first !== late) {
        if (first.threw === true) events.threw()
        return { status: first.status, headers: first.headers, body: first.body }
      }
      reply.catch(() => undefined)
      worker.checkAlive()
      return watchdog(504)
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    settled: worker.settled,
    idle: () => new Promise((resolve) => (running === 0 ? resolve() : whenIdle.push(resolve))),
    close: () => worker.close(),
    async invoke(call) {
      if (maxInFlight > 0 && running >= maxInFlight) return tooMany(maxInFlight)
      running += 1
      try {
        return await runLimited(call)
      } catch (error) {
        if (error instanceof WorkerDown) return watchdog(500)
        throw error
      } finally {
        running -= 1
        if (running === 0) for (const resolve of whenIdle.splice(0)) resolve()
      }
    },
  }
}
