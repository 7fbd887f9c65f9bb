import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, beforeEach, afterEach, expect, test } from 'vitest'
import { isAlive } from '../processes/is-alive.ts'
import { startToxiproxy, type Proxy, type Toxiproxy } from './toxiproxy.ts'

let toxiproxy: Toxiproxy
let server: Server
let proxy: Proxy
const sockets = new Set<Socket>()

/** Sends back as many bytes as it is asked for. */
beforeAll(async () => {
  toxiproxy = await startToxiproxy()
  server = createServer((socket) => {
    socket.on('data', (data) => socket.write(Buffer.alloc(Number(data.toString()), 'x')))
    socket.on('error', () => socket.destroy())
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
}, 180_000)

afterAll(async () => {
  server.close()
  await toxiproxy.stop()
})

beforeEach(async () => {
  proxy = await toxiproxy.proxy((server.address() as AddressInfo).port)
})

afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  sockets.clear()
  await proxy.remove()
})

interface Received {
  readonly bytes: number
  readonly ms: number
  /** How it ended: all there, closed by the other side, an error's code, or nothing for the time given. */
  readonly end: string
}

/** Asks for bytes on a new connection. */
const ask = (bytes: number, patienceMs = 10_000): Promise<Received> =>
  new Promise((resolve) => {
    const start = performance.now()
    let received = 0
    const socket = connect(proxy.port, proxy.host)
    sockets.add(socket)
    const done = (end: string): void => {
      clearTimeout(timer)
      resolve({ bytes: received, ms: performance.now() - start, end })
    }
    const timer = setTimeout(() => done('nothing'), patienceMs)
    socket.on('connect', () => socket.write(String(bytes)))
    socket.on('data', (data) => {
      received += data.length
      if (received >= bytes) done('all')
    })
    socket.on('close', () => done('closed'))
    socket.on('error', (error: NodeJS.ErrnoException) => done(error.code ?? 'error'))
  })

test('without a toxic all comes through', async () => {
  expect(await ask(1000)).toMatchObject({ bytes: 1000, end: 'all' })
})

test('latency', async () => {
  const toxic = await proxy.add({ type: 'latency', latencyMs: 300 })
  expect((await ask(10)).ms).toBeGreaterThanOrEqual(295)
  await toxic.remove()
  expect(await ask(10)).toMatchObject({ end: 'all' })
})

test('bandwidth', async () => {
  await proxy.add({ type: 'bandwidth', kibPerSecond: 10 })
  const { bytes, ms } = await ask(10_000)
  expect(bytes).toBe(10_000)
  expect(ms).toBeGreaterThanOrEqual(700)
})

test('reset', async () => {
  await proxy.add({ type: 'reset' })
  expect(await ask(10)).toMatchObject({ bytes: 0, end: 'ECONNRESET' })
})

test('black hole: connected, and nothing ever comes', async () => {
  await proxy.add({ type: 'black-hole' })
  expect(await ask(10, 300)).toMatchObject({ bytes: 0, end: 'nothing' })
})

test('time-out: nothing comes and the connection is closed', async () => {
  await proxy.add({ type: 'timeout', afterMs: 200 })
  expect(await ask(10)).toMatchObject({ bytes: 0, end: 'closed' })
})

test('limit: so many bytes, then closed', async () => {
  await proxy.add({ type: 'limit-data', bytes: 1000 })
  expect(await ask(5000)).toMatchObject({ bytes: 1000, end: 'closed' })
})

test('slicer', async () => {
  await proxy.add({ type: 'slicer', bytes: 10, delayUs: 1000 })
  const { bytes, ms } = await ask(1000)
  expect(bytes).toBe(1000)
  expect(ms).toBeGreaterThanOrEqual(95)
})

test('disabled: refused, and open again afterwards', async () => {
  await proxy.disable()
  expect(await ask(10)).toMatchObject({ end: 'ECONNREFUSED' })
  await proxy.heal()
  expect(await ask(10)).toMatchObject({ end: 'all' })
})

test('heal removes the toxics of all proxies', async () => {
  await proxy.add({ type: 'latency', latencyMs: 5000 })
  await toxiproxy.heal()
  expect((await ask(10)).ms).toBeLessThan(5000)
})

test('a call that it refuses is an error with the reason', async () => {
  await expect(proxy.add({ type: 'latency', latencyMs: 'x' as unknown as number })).rejects.toMatchObject({ code: 'E_TESTBED_TOXIPROXY' })
})

test('stopped, it does not run', async () => {
  const other = await startToxiproxy()
  expect(isAlive(other.pid)).toBe(true)
  await other.stop()
  expect(isAlive(other.pid)).toBe(false)
})
