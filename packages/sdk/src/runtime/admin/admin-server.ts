import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Logger } from '../../contract/logger.ts'
import { describeError, MillraceError } from '../../core/errors.ts'
import { answer, problemReply } from './admin-routes.ts'
import type { AdminPages, AdminReply } from './admin-routes.ts'
import { problemJson } from './problem-json.ts'

/** What `createAdminServer` takes. */
export interface AdminServerOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly pages: AdminPages
  readonly logger: Logger
}

/** Probes, metrics and the configuration over HTTP. It reads no bodies and changes nothing, so it has no log-in. */
export interface AdminServer {
  /**
   * Resolves when it listens. @returns `http://HOST:PORT`
   * @throws MillraceError `E_ADMIN_PORT_IN_USE`, `E_ADMIN_LISTEN`
   */
  start(): Promise<{ readonly url: string }>
  /** Stops listening and ends all connections. Idempotent. */
  close(): Promise<void>
}

const securityHeaders = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const

const send = (request: IncomingMessage, response: ServerResponse, reply: AdminReply): void => {
  // A body is never read (T41): the connection ends instead of waiting for gigabytes.
  const hasBody = request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined
  response.writeHead(reply.status, {
    ...securityHeaders,
    'content-type': reply.contentType,
    'content-length': Buffer.byteLength(reply.body),
    ...(reply.status === 405 ? { allow: 'GET, HEAD' } : {}),
    ...(hasBody ? { connection: 'close' } : {}),
  })
  response.end(request.method === 'HEAD' ? undefined : reply.body, () => {
    if (hasBody) request.destroy()
  })
}

const handle = async (request: IncomingMessage, pages: AdminPages, logger: Logger): Promise<AdminReply> => {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return problemReply(problemJson('method-not-allowed', 'The admin server is read-only'))
  }
  try {
    return await answer(pages, request.url ?? '/')
  } catch (error) {
    logger.error('an admin page failed', { error: describeError(error) })
    return problemReply(problemJson('internal', 'An error was logged'))
  }
}

const listen = (server: Server, { host, port }: AdminServerOptions): Promise<string> =>
  new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      const code = error.code === 'EADDRINUSE' ? 'E_ADMIN_PORT_IN_USE' : 'E_ADMIN_LISTEN'
      reject(new MillraceError(code, { host, port, reason: describeError(error, 200) }, error))
    }
    server.once('error', onError)
    server.listen({ host, port }, () => {
      server.removeListener('error', onError)
      const bound = server.address() as AddressInfo
      resolve(`http://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`)
    })
  })

/** Creates the admin server; it does not listen yet. */
export const createAdminServer = (options: AdminServerOptions): AdminServer => {
  const { pages, logger } = options
  const limits = {
    maxHeaderSize: 8192,
    headersTimeout: 5_000,
    requestTimeout: 10_000,
    keepAliveTimeout: 5_000,
    connectionsCheckingInterval: 5_000,
  }
  const server = createServer(limits, (request, response) => {
    void handle(request, pages, logger).then((reply) => send(request, response, reply))
  })
  server.maxConnections = 256
  server.maxHeadersCount = 64
  // Without this Node answers `Expect: 100-continue` with an invitation to send the body.
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => server.emit('request', request, response))
  return {
    start: async () => {
      const url = await listen(server, options)
      server.on('error', (error) => logger.error('the admin server has a problem', { error: describeError(error) }))
      logger.info('admin server listens', { url })
      return { url }
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
