import type { Socket } from 'node:net'
import { Problem, type ProblemKind } from '../problem.ts'

const kinds: ReadonlyMap<string, readonly [kind: ProblemKind, detail: string, fix: string]> = new Map([
  ['HPE_HEADER_OVERFLOW', ['headers-too-large', 'The headers are longer than is allowed.', 'Send fewer or shorter headers.']],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', ['too-large', 'The extensions of a chunk are too long.', 'Send chunks without extensions.']],
  ['ERR_HTTP_REQUEST_TIMEOUT', ['request-timeout', 'The request was not complete in time.', 'Send it again, faster.']],
])

/** The whole answer to what Node's parser does not take for a request. Nothing of the request is in it. */
export const clientErrorReply = (code: string | undefined): string => {
  const [kind, detail, fix] = kinds.get(code ?? '') ?? ['bad-request', 'This is not a valid HTTP request.', 'Use an HTTP/1.1 client.']
  const { body } = new Problem(kind, { detail, fix })
  const text = `${JSON.stringify(body)}\n`
  return [
    `HTTP/1.1 ${body.status} ${body.title}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(text)}`,
    'Cache-Control: no-store',
    'Connection: close',
    '',
    text,
  ].join('\r\n')
}

/**
 * Answers and ends the connection.
 *
 * @param busy an answer to an earlier request of this connection is on its way: another text in the middle of it would corrupt it
 */
export const endBrokenConnection = (socket: Socket, code: string | undefined, busy: boolean): void => {
  if (busy || !socket.writable || code === 'ECONNRESET') socket.destroy()
  else socket.end(clientErrorReply(code), () => socket.destroySoon())
}
