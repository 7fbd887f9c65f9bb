import { fileURLToPath } from 'node:url'
import { startChild, type Exit } from '../processes/child.ts'
import type { FunctionServer, FunctionServerOptions } from './function-server.ts'

/** The function's side in a process of its own. */
export interface FunctionProcess extends FunctionServer {
  readonly pid: number
  kill9(): Promise<Exit>
  /** SIGSTOP and SIGCONT: a function that stands still with open connections. */
  pause(): void
  resume(): void
}

const put = async (url: string, value: unknown): Promise<void> => {
  const response = await fetch(url, { method: 'PUT', body: JSON.stringify(value), headers: { connection: 'close' } })
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  await response.arrayBuffer()
}

/** As `startFunctionServer`, in a process of its own: what it notes does not depend on the test being alive or awake. */
export const startFunctionProcess = async (options: FunctionServerOptions): Promise<FunctionProcess> => {
  const main = fileURLToPath(new URL('function-process-main.ts', import.meta.url))
  const child = await startChild({ command: process.execPath, args: [main, JSON.stringify(options)] })
  const url = (await child.line(/listens (\S+)/, 30_000))[1] ?? ''
  return {
    url,
    pid: child.pid,
    setBehaviour: (rules) => put(`${url}/ledger/behaviour`, rules),
    setFunctions: (functions) => put(`${url}/ledger/functions`, functions),
    kill9: () => child.kill9(),
    pause: () => void child.signal('SIGSTOP'),
    resume: () => void child.signal('SIGCONT'),
    close: async () => void (await child.stop()),
  }
}
