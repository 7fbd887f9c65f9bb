import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** A running function server. */
export interface FunctionServer extends AsyncDisposable {
  readonly url: string
}

/** Starts the function server in a process of its own, so that it has a core of its own. */
export const startServer = async (
  functions: Readonly<Record<string, Readonly<Record<string, string>>>>,
  workMs = 0,
): Promise<FunctionServer> => {
  const child = fork(fileURLToPath(new URL('function-server.ts', import.meta.url)))
  // A message and not an argument: Linux takes at most 128 KiB of one argument, ten thousand functions are more.
  child.send({ functions, workMs })
  const [port] = (await once(child, 'message')) as [number]
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      const gone = once(child, 'exit')
      child.kill()
      await gone
    },
  }
}
