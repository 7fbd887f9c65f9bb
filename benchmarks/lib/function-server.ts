// A process of its own: a gateway that lists the functions it was told and answers every call at once or after a while.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

interface Settings {
  /** Function name to topic. */
  readonly functions: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** Milliseconds that a call takes. */
  readonly workMs: number
}

const [settings] = (await once(process, 'message')) as [Settings]
const list = JSON.stringify(
  Object.entries(settings.functions).map(([name, annotations]) => ({
    name,
    namespace: 'openfaas-fn',
    image: 'bench',
    createdAt: '2026-01-01T00:00:00Z',
    annotations,
  })),
)

const server = createServer((request, response) => {
  if (request.url?.startsWith('/system/namespaces') === true) response.end('["openfaas-fn"]')
  else if (request.url?.startsWith('/system/functions') === true) response.end(list)
  else {
    request.resume()
    request.once('end', () => {
      if (settings.workMs === 0) response.end()
      else void sleep(settings.workMs).then(() => response.end())
    })
  }
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', 4096, () => {
  const address = server.address()
  process.send?.(typeof address === 'object' ? address?.port : 0)
})
process.once('disconnect', () => process.exit(0))
