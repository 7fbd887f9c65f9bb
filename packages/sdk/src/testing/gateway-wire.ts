import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FaultAction, WireFault } from './fault-plan.ts'

const chunk: Buffer = Buffer.alloc(64 * 1024, 'x')

/** Time for bytes to reach the client before the RST that would make its kernel forget them. */
const beforeResetMs = 20

const contentOf = (action: FaultAction): Buffer =>
  typeof action.body === 'string' ? Buffer.from(action.body) : Buffer.from(action.body ?? 'this answer is never completed')

/** Header lines of a scripted answer, in the flat form that node:http and the raw writer take. */
export const actionHeaders = (action: FaultAction): [string, string][] => {
  const lines: [string, string][] = []
  for (const [name, value] of Object.entries(action.headers ?? {}))
    for (const one of typeof value === 'string' ? [value] : value) lines.push([name, one])
  return lines
}

const headOf = (action: FaultAction, framing: string): string => {
  const status = action.status ?? 200
  const lines = actionHeaders(action).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\n${lines.join('')}${framing}\r\n\r\n`
}

/** Writes `piece` again and again, as fast as the client reads, until it leaves. */
const pour = (socket: Socket, piece: Buffer): void => {
  const more = (): void => {
    // A client that reads at full speed must not starve the rest of the process.
    if (!socket.destroyed) setImmediate(() => (socket.write(piece) ? more() : socket.once('drain', more)))
  }
  more()
}

/** Not HTTP, and the same each time. */
const garbage: Buffer = Buffer.from(Array.from({ length: 512 }, (_, index) => (index * 167 + 13) % 256))

const partly = (action: FaultAction): string => {
  const content = contentOf(action)
  return headOf(action, `Content-Length: ${content.length}`) + content.subarray(0, Math.ceil(content.length / 2)).toString('latin1')
}

const writers: Readonly<Record<WireFault, (socket: Socket, action: FaultAction) => void>> = {
  hang: () => undefined,
  'hang-mid-body': (socket, action) => void socket.write(partly(action), 'latin1'),
  reset: (socket) => void socket.resetAndDestroy(),
  'reset-mid-body': (socket, action) => {
    socket.write(partly(action), 'latin1', () => setTimeout(() => socket.resetAndDestroy(), beforeResetMs).unref())
  },
  truncated: (socket, action) => void socket.end(partly(action), 'latin1'),
  'empty-reply': (socket) => void socket.end(),
  garbage: (socket) => void socket.end(garbage),
  endless: (socket, action) => {
    socket.write(headOf(action, 'Transfer-Encoding: chunked'), 'latin1')
    pour(socket, Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]))
  },
  'informational-flood': (socket) => pour(socket, Buffer.from('HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'.repeat(200))),
  'huge-header': (socket, action) => {
    socket.end(headOf(action, `X-Huge: ${'h'.repeat(1024 * 1024)}\r\nContent-Length: 0`), 'latin1')
  },
}

/** Breaks the answer to `request` on the wire. Returns at once; the connection is of no further use. */
export const applyWireFault = (wire: WireFault, action: FaultAction, request: IncomingMessage): void => {
  const { socket } = request
  // Writes that meet a client that has left are the point, not an error.
  socket.on('error', () => undefined)
  if (!socket.destroyed) writers[wire](socket, action)
}

/** Streams `total` filler bytes as the body, as fast as the client reads. */
export const pourBody = async (response: ServerResponse, total: number): Promise<void> => {
  for (let left = total; left > 0 && !response.destroyed; left -= chunk.length) {
    const ready = response.write(left < chunk.length ? chunk.subarray(0, left) : chunk)
    if (!ready) await drained(response)
  }
  response.end()
}

/** Resolves when more may be written, or the client has left. */
export const drained = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.once('drain', done)
    response.once('close', done)
    if (response.destroyed) done()
  })
