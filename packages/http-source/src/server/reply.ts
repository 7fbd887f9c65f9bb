import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Problem } from '../problem.ts'

/** An answer before it is written. */
export interface Reply {
  readonly status: number
  readonly contentType: string
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

/** @param body must be fit for JSON */
export const jsonReply = (status: number, body: object): Reply => ({
  status,
  contentType: 'application/json',
  body: `${JSON.stringify(body)}\n`,
})

export const problemReply = ({ body, headers }: Problem): Reply => ({
  status: body.status,
  contentType: 'application/problem+json',
  body: `${JSON.stringify(body)}\n`,
  headers,
})

const always = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const

/** What is still taken of a body that nobody wants, so that its sender reads the answer before the connection ends. */
const lingerBytes = 1024 * 1024
const lingerMs = 1000

/** Throws away the rest of a body, within bounds. Resolves when it is over, too much, or gone. */
const discardRest = (request: IncomingMessage): Promise<void> =>
  new Promise((resolve) => {
    let left = lingerBytes
    const end = (): void => {
      clearTimeout(timer)
      resolve()
    }
    const timer = setTimeout(end, lingerMs)
    request.on('data', (chunk: Buffer) => {
      left -= chunk.length
      if (left < 0) end()
    })
    request.once('end', end).once('close', end).once('error', end)
    request.resume()
  })

/**
 * Writes an answer. If the body of the request has not been read, the connection ends after it, and not so early that the sender,
 * still writing, sees a reset instead of the answer.
 *
 * @param last end the connection after this answer
 */
export const sendReply = async (request: IncomingMessage, response: ServerResponse, reply: Reply, last: boolean): Promise<void> => {
  if (response.destroyed || response.headersSent) return
  const unread = !request.complete
  response.writeHead(reply.status, {
    ...always,
    ...reply.headers,
    'content-type': reply.contentType,
    'content-length': Buffer.byteLength(reply.body),
    ...(last || unread ? { connection: 'close' } : {}),
  })
  const isHead = request.method === 'HEAD'
  if (!unread) {
    response.end(isHead ? undefined : reply.body)
    return
  }
  if (isHead) response.flushHeaders()
  else response.write(reply.body)
  await discardRest(request)
  response.end()
}
