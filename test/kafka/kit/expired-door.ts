import { readFileSync } from 'node:fs'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import { scratchFolder } from '../../processes/reaper.ts'
import { makeCertificates } from '../../servers/certificates.ts'

/** A TLS door in front of a broker. */
export interface ExpiredDoor extends AsyncDisposable {
  readonly port: number
  /** The authority that has signed its certificate. */
  readonly ca: string
  /** Bytes that clients have sent inside of TLS: none of one that looks at certificates. */
  readonly received: number
  /** Connections, whatever came of them. */
  readonly connections: number
}

/** A door with a certificate that is out of date, and the plain port of a broker behind it: that broker need not be one of its own. */
export const expiredDoor = async (brokerPort: number): Promise<ExpiredDoor> => {
  const folder = scratchFolder('expired-door')
  const sockets = new Set<Socket>()
  let [received, connections] = [0, 0]
  const { ca } = await makeCertificates(folder.path, 'expired')
  const pem = readFileSync(join(folder.path, 'broker.pem'), 'utf8')
  const server = createServer({ key: pem, cert: pem }, (socket) => {
    const broker = connect(brokerPort, '127.0.0.1')
    for (const side of [socket, broker]) {
      sockets.add(side)
      side.on('error', () => undefined)
    }
    socket.on('data', ({ length }: Buffer) => void (received += length))
    socket.pipe(broker).pipe(socket)
  })
  server.on('connection', (socket: Socket) => {
    connections++
    sockets.add(socket)
  })
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    ca,
    get received() {
      return received
    },
    get connections() {
      return connections
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => void server.close(() => resolve()))
      folder.remove()
    },
  }
}
