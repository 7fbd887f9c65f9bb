import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

/** A TCP server that answers with whatever bytes a test wants. */
export interface RawServer extends AsyncDisposable {
  readonly url: string
  readonly port: number
  /** Heads and bodies as they came, one string per complete request. */
  readonly requests: string[]
  /** Connections accepted so far. */
  connections: number
  /** Connections that are open now. */
  readonly open: number
}

const isComplete = (text: string): boolean => {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return false
  const length = /^content-length: (\d+)\r$/im.exec(text)?.[1] ?? '0'
  return text.length >= end + 4 + Number(length)
}

/** @param answer called once per complete request */
export const rawServer = async (answer: (socket: Socket, count: number, request: string) => void): Promise<RawServer> => {
  const sockets = new Set<Socket>()
  const requests: string[] = []
  const server = createServer((socket) => {
    raw.connections += 1
    sockets.add(socket)
    let text = ''
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      if (!isComplete(text)) return
      requests.push(text)
      answer(socket, requests.length, text)
      text = ''
    })
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const raw: RawServer = {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    connections: 0,
    get open() {
      return sockets.size
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return raw
}

/** A complete answer with a body. */
export const ok = (body = 'done', more = ''): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${more}\r\n${body}`
