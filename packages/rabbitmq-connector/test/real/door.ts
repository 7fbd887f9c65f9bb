import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

/** A port in front of a broker that a test can treat as it likes, at an exact moment. */
export interface Door {
  readonly port: number
  /** How many connections came. */
  readonly connections: number
  /** Resets every connection (RST). */
  reset(): void
  /** A black hole: nothing passes in either direction, and nobody is told. */
  freeze(): void
  thaw(): void
  /** Called with each connection as it comes, before a byte passes. */
  onConnection: (() => void) | undefined
  close(): Promise<void>
}

export const openDoor = async (upstreamPort: number): Promise<Door> => {
  const pairs = new Set<readonly [client: Socket, broker: Socket]>()
  let frozen = false
  let connections = 0
  const server = createServer((client) => {
    connections += 1
    door.onConnection?.()
    const broker = connect(upstreamPort, '127.0.0.1')
    const pair = [client, broker] as const
    pairs.add(pair)
    for (const [from, to] of [pair, [broker, client] as const]) {
      from.on('data', (bytes) => to.write(bytes))
      from.on('error', () => to.destroy())
      from.on('close', () => {
        pairs.delete(pair)
        if (!frozen) to.destroy()
      })
      if (frozen) from.pause()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const each = (act: (socket: Socket) => void): void => {
    for (const pair of pairs) for (const socket of pair) act(socket)
  }
  const door: Door = {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections
    },
    reset: () => {
      for (const [client] of pairs) client.resetAndDestroy()
    },
    freeze: () => {
      frozen = true
      each((socket) => socket.pause())
    },
    thaw: () => {
      frozen = false
      each((socket) => socket.resume())
    },
    onConnection: undefined,
    close: async () => {
      each((socket) => socket.destroy())
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return door
}
