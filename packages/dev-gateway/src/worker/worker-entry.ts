import { readFileSync } from 'node:fs'
import { createRequire, registerHooks } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'
import type { FromWorker, ToWorker, WorkerCall, WorkerReply, WorkerStart } from './protocol.ts'
import { BodyRefused, eventOf, FunctionContext, textOf } from './template.ts'

/** This file is the whole of a function's thread: it loads one handler and runs its calls. */
type Handler = (event: unknown, context: FunctionContext, callback: (error: unknown, value?: unknown) => void) => unknown

const { file, folder } = workerData as WorkerStart
const port = parentPort
if (port === null) throw new Error('this file runs as a worker thread')

const send = (message: FromWorker): void => port.postMessage(message)

const looksLikeModule = /^\s*(?:import\s*[\w*{'"]|export\s+(?:default|const|let|var|function|async|class|\{))/m

/**
 * In OpenFaaS a handler lies in a folder of its own; here it may lie in a tree whose package.json says "type": "module".
 * So a `.js` file of the handler that has no nearer package.json is what its text says it is.
 */
const formatOf = (url: string): 'commonjs' | 'module' =>
  looksLikeModule.test(readFileSync(fileURLToPath(url), 'utf8')) ? 'module' : 'commonjs'

const adoptFolder = (): void => {
  const root = pathToFileURL(`${folder}/`).href
  registerHooks({
    resolve(specifier, context, next) {
      const found = next(specifier, context)
      const own = found.url.startsWith(root) && !found.url.includes('/node_modules/') && found.url.split('?')[0]?.endsWith('.js') === true
      return own ? { ...found, format: formatOf(found.url) } : found
    },
    load(url, context, next) {
      if (context.format !== 'commonjs' || !url.startsWith(root) || !url.endsWith('.js')) return next(url, context)
      return { format: 'commonjs', source: readFileSync(fileURLToPath(url)), shortCircuit: true }
    },
  })
}

const pick = (loaded: Record<string, unknown>): Handler => {
  const inner = loaded['default']
  const candidates = [
    inner,
    loaded['handler'],
    loaded['handle'],
    (inner as Record<string, unknown> | undefined)?.['default'],
    (inner as Record<string, unknown> | undefined)?.['handler'],
  ]
  const found = candidates.find((candidate) => typeof candidate === 'function')
  if (found === undefined) throw new Error('it exports no function: use module.exports = async (event, context) => ..., or export default')
  return found as Handler
}

const bytes = (body: string | Uint8Array): string | Uint8Array => (typeof body === 'string' ? body : new Uint8Array(body))

const runCall = async (handler: Handler, call: WorkerCall): Promise<Omit<WorkerReply, 'type' | 'id'>> => {
  let finish: (given: { error: unknown; value: unknown }) => void = () => undefined
  const finished = new Promise<{ error: unknown; value: unknown }>((resolve) => {
    finish = resolve
  })
  const context = new FunctionContext((error, value) => finish({ error, value }))
  try {
    const event = eventOf(call, process.env)
    void Promise.resolve(
      handler(event, context, (error, value) => {
        context.cbCalled += 1
        finish({ error, value })
      }),
    ).then(
      (value) => context.cbCalled === 0 && context.succeed(value),
      (error: unknown) => finish({ error: new Thrown(error), value: undefined }),
    )
    const { error, value } = await finished
    if (error instanceof Thrown) throw error
    // oxlint-disable-next-line no-console -- the function's own log: the template writes what fails there
    if (error) console.error(error)
    const reply = context.toReply(error, value)
    return { ...reply, body: bytes(reply.body) }
  } catch (error) {
    if (error instanceof BodyRefused)
      return { status: error.status, headers: [['Content-Type', 'text/plain; charset=utf-8']], body: error.message }
    const cause: unknown = error instanceof Thrown ? error.cause : error
    // oxlint-disable-next-line no-console -- as above
    console.error(cause)
    const status = context.status() as number
    return {
      status: status === 200 ? 500 : status,
      headers: [['Content-Type', 'text/html; charset=utf-8']],
      body: textOf(cause),
      threw: true,
    }
  }
}

/** A rejection of the handler, told apart from what it gave to `fail`. */
class Thrown extends Error {
  constructor(cause: unknown) {
    super('the handler threw', { cause })
  }
}

/** CommonJS goes through `require`, which follows the hooks also where the tree around says "module". */
const load = async (): Promise<Handler> => {
  const commonJs = file.endsWith('.cjs') || (file.endsWith('.js') && formatOf(pathToFileURL(file).href) === 'commonjs')
  if (commonJs) return pick({ default: createRequire(file)(file) as unknown })
  return pick((await import(pathToFileURL(file).href)) as Record<string, unknown>)
}

const main = async (): Promise<void> => {
  adoptFolder()
  const handler = await load()
  port.on('message', (message: ToWorker) => {
    if (message.type === 'ping') return send({ type: 'pong' })
    void runCall(handler, message).then((reply) => send({ type: 'reply', id: message.id, ...reply }))
  })
  send({ type: 'ready' })
}

try {
  await main()
} catch (error) {
  send({ type: 'failed', reason: error instanceof Error ? `${error.name}: ${error.message}` : String(error) })
  // Nothing keeps this thread alive now: it ends by itself.
}
