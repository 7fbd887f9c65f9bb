import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { isAlive } from '../processes/is-alive.ts'
import { reaper } from '../processes/reaper.ts'
import { cacheFolder } from './cache.ts'

/**
 * Below the range from which systems take the ports of outgoing connections (32768 on Linux): a port of a broker that is down must
 * still be free when it comes back.
 */
const lowest = 20_000
const count = 12_000

const reserve = (port: number): string | undefined => {
  const folder = join(cacheFolder(), 'ports')
  const path = join(folder, String(port))
  mkdirSync(folder, { recursive: true })
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' })
    return path
  } catch {
    try {
      if (!isAlive(Number(readFileSync(path, 'utf8')))) rmSync(path, { force: true })
    } catch {
      // Given back just now. Another port is tried anyway.
    }
    return undefined
  }
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  })

/** A port of 127.0.0.1 that no other test bed of this machine takes until it is given back. */
export interface ReservedPort {
  readonly port: number
  release(): void
}

/** For servers that must be told their port and have it again after a restart. Everything else listens on port 0. */
export const reservePort = async (): Promise<ReservedPort> => {
  for (let tries = 0; tries < 1000; tries++) {
    const port = lowest + Math.floor(Math.random() * count)
    const path = reserve(port)
    if (path === undefined) continue
    const release = (): void => {
      rmSync(path, { force: true })
      reaper.removePath(path)
    }
    reaper.addPath(path)
    if (await isFree(port)) return { port, release }
    release()
  }
  throw new Error(`no free port from ${lowest} to ${lowest + count - 1}`)
}

/** The ports of one server: taken one by one, given back together. */
export interface PortSet {
  take(): Promise<number>
  release(): void
}

export const createPortSet = (): PortSet => {
  const reserved: ReservedPort[] = []
  return {
    take: async () => {
      const port = await reservePort()
      reserved.push(port)
      return port.port
    },
    release: () => reserved.forEach((port) => port.release()),
  }
}
