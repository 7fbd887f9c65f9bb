import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { describeError, MillraceError } from '@millrace/sdk'
import type { HttpSettings } from '../options.ts'
import { endBrokenConnection } from './client-error.ts'

/** A server that listens. */
export interface Listener {
  /** `http://HOST:PORT`. */
  readonly origin: string
  /** Connections end after their answers from now on. */
  readonly closing: boolean
  /** Keeps the process alive, or not. */
  hold(on: boolean): void
  /** Stops listening; answers under way may take `graceMs`. Idempotent. */
  close(graceMs: number): Promise<void>
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void

const originOf = (server: Server): string => {
  const { address, family, port } = server.address() as AddressInfo
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}

const start = (server: Server, { host, port }: HttpSettings): Promise<void> =>
  new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      const code = error.code === 'EADDRINUSE' ? 'E_HTTP_PORT_IN_USE' : 'E_HTTP_LISTEN'
      reject(new MillraceError(code, { host, port, reason: describeError(error, 200) }, error))
    }
    server.once('error', onError)
    server.listen({ host, port }, () => {
      server.off('error', onError)
      resolve()
    })
  })

const makeServer = (settings: HttpSettings, handle: Handler): Server => {
  const limits = {
    maxHeaderSize: settings.maxHeaderBytes,
    headersTimeout: settings.headersTimeoutMs,
    requestTimeout: settings.requestTimeoutMs,
    keepAliveTimeout: settings.keepAliveTimeoutMs,
    connectionsCheckingInterval: settings.checkIntervalMs,
  }
  /** Requests of a connection that are not answered yet. */
  const open = new WeakMap<object, Map<IncomingMessage, ServerResponse>>()
  const onRequest: Handler = (request, response) => {
    const { socket } = request
    const requests = open.get(socket) ?? new Map<IncomingMessage, ServerResponse>()
    open.set(socket, requests.set(request, response))
    response.once('close', () => requests.delete(request))
    handle(request, response)
  }
  const server = createServer(limits, onRequest)
  server.maxConnections = settings.maxConnections
  // Node drops what is above its limit without a word; the handler counts and refuses instead. The bytes are bounded anyhow.
  server.maxHeadersCount = 0
  // Without this Node itself would invite the body, before anybody has looked at the headers (T41).
  server.on('checkContinue', onRequest)
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    // Only the request that is broken itself may be unanswered, with nothing written yet.
    const clear = [...(open.get(socket) ?? [])].every(
      ([request, response], index) => index === 0 && !request.complete && !response.headersSent,
    )
    endBrokenConnection(socket, error.code, !clear)
  })
  return server
}

/**
 * Opens a server with all limits set. Resolves when it listens.
 *
 * @throws MillraceError `E_HTTP_PORT_IN_USE`, `E_HTTP_LISTEN`
 */
export const openListener = async (settings: HttpSettings, handle: Handler): Promise<Listener> => {
  const server = makeServer(settings, handle)
  await start(server, settings)
  // Accepting can fail for want of file descriptors; the ones that are open go on.
  server.on('error', () => {})
  const origin = originOf(server)
  let closed: Promise<void> | undefined
  const close = (graceMs: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(() => server.closeAllConnections(), graceMs)
      server.close(() => {
        clearTimeout(timer)
        resolve()
      })
      server.closeIdleConnections()
    })
  return {
    origin,
    get closing() {
      return closed !== undefined
    },
    hold: (on) => void (on ? server.ref() : server.unref()),
    close: (graceMs) => (closed ??= close(graceMs)),
  }
}
