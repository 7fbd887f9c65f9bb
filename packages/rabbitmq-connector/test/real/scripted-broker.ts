import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

export interface ScriptedBroker {
  readonly port: number
  close(): Promise<void>
}

/** A method frame on channel 0 (AMQP 0-9-1, 2.3.5). */
const method = (classId: number, methodId: number, args: Buffer): Buffer => {
  const payload = Buffer.alloc(4 + args.length)
  payload.writeUInt16BE(classId, 0)
  payload.writeUInt16BE(methodId, 2)
  args.copy(payload, 4)
  const head = Buffer.alloc(7)
  head.writeUInt8(1, 0)
  head.writeUInt32BE(payload.length, 3)
  return Buffer.concat([head, payload, Buffer.from([0xce])])
}

const longText = (text: string): Buffer => {
  const bytes = Buffer.alloc(4 + text.length)
  bytes.writeUInt32BE(text.length)
  bytes.write(text, 4)
  return bytes
}

const shortText = (text: string): Buffer => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)])

const uint16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff])

const start = method(10, 10, Buffer.concat([Buffer.from([0, 9]), longText(''), longText('PLAIN'), longText('en_US')]))
const tune = method(10, 30, Buffer.concat([uint16(16), Buffer.from([0, 2, 0, 0]), uint16(0)]))
const openOk = method(10, 41, shortText(''))
const forced = method(10, 50, Buffer.concat([uint16(320), shortText('CONNECTION_FORCED'), uint16(0), uint16(0)]))

/**
 * The handshake of a broker, and then what a real one does once in a million: with `closeAfterOpen` it ends the connection in the very
 * segment that opens it, with `trickleMs` it never gets to the end and sends a byte that often.
 */
export const scriptedBroker = async (script: {
  readonly closeAfterOpen?: boolean
  readonly trickleMs?: number
}): Promise<ScriptedBroker> => {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    let reads = 0
    socket.on('data', () => {
      reads += 1
      if (reads === 1 && script.trickleMs !== undefined) return trickle(socket, script.trickleMs)
      if (reads === 1) socket.write(start)
      if (reads === 2) socket.write(tune)
      // tune-ok and open come in one segment or in two.
      if (reads === 3) setTimeout(() => socket.end(Buffer.concat([openOk, forced])), 50)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const trickle = (socket: Socket, everyMs: number): void => {
  let sent = 0
  const timer = setInterval(() => {
    if (sent < start.length - 1) socket.write(start.subarray(sent, sent + 1))
    sent += 1
  }, everyMs)
  socket.on('close', () => clearInterval(timer))
}
