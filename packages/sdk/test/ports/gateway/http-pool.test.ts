import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { createHttpPool } from '../../../src/ports/gateway/http-pool.ts'
import type { HttpController, HttpHandler, HttpPool, HttpPoolOptions } from '../../../src/ports/gateway/http-pool.ts'
import { leakGuard } from '../../../src/testing/leak-guard.ts'
import { makeCertificates } from './certificates.ts'
import { ok, rawServer } from './raw-server.ts'

leakGuard()

const testPool = (origin: string, options: Partial<HttpPoolOptions> = {}): HttpPool & AsyncDisposable => {
  const pool = createHttpPool({ origin, connections: 1, ...options })
  return { dispatch: (...args) => pool.dispatch(...args), destroy: () => pool.destroy(), [Symbol.asyncDispose]: () => pool.destroy() }
}

/** A request whose answer is the text of its body, and its failure the code of its error. */
class Asked implements HttpHandler {
  over = false
  controller: HttpController | undefined
  readonly told: string[] = []
  readonly ended = Promise.withResolvers<string>()
  /** Called within the end of the response. */
  onEnd: () => void = () => {}
  #body = ''

  onRequestStart(controller: HttpController): void {
    this.controller = controller
  }

  onResponseStart(): void {}

  onResponseData(_controller: HttpController, chunk: Uint8Array): void {
    this.#body += Buffer.from(chunk).toString()
  }

  onResponseEnd(): void {
    this.onEnd()
    this.#tell(this.#body)
  }

  onResponseError(_controller: HttpController | null, error: unknown): void {
    const { code, message } = error as NodeJS.ErrnoException
    this.#tell(code ?? message)
  }

  #tell(result: string): void {
    this.told.push(result)
    this.ended.resolve(result)
  }
}

const send = (pool: HttpPool, path: string, asked: Asked = new Asked(), body: Uint8Array = Buffer.from('x')): Asked => {
  pool.dispatch({ method: 'POST', path, headers: [], body }, asked)
  return asked
}
const post = (pool: HttpPool, path: string, body?: Uint8Array): Promise<string> => send(pool, path, new Asked(), body).ended.promise

const pathOf = (request: string): string => /^POST (\S+) /.exec(request)?.[1] ?? '?'
const echo = (socket: Socket, _count: number, request: string): void => void socket.write(ok(pathOf(request)))

/** An echo server of which a test takes the sockets. */
const withSockets = async () => {
  const sockets: Socket[] = []
  const server = await rawServer((socket, count, request) => {
    if (!sockets.includes(socket)) sockets.push(socket)
    echo(socket, count, request)
  })
  return { server, sockets, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

describe('each request gets its own answer', () => {
  test('when the next one goes out from within the end of the one before', async () => {
    await using server = await rawServer((socket, count, request) => void setImmediate(() => echo(socket, count, request)))
    await using pool = testPool(server.url, { connections: 3 })
    const paths = Array.from({ length: 60 }, (_, index) => `/${index}`)
    expect(await Promise.all(paths.map((path) => post(pool, path)))).toEqual(paths)
    expect(server.requests.map(pathOf).toSorted()).toEqual(paths.toSorted())
    expect(server.connections).toBe(3)
  })

  test('also when a caller throws at the end of its own: the failure is that caller’s', async () => {
    await using server = await rawServer(echo)
    await using pool = testPool(server.url)
    const first = new Asked()
    first.onEnd = () => {
      throw Object.assign(new Error('of the caller'), { code: 'E_OWN' })
    }
    send(pool, '/first', first)
    const others = ['/second', '/third'].map((path) => send(pool, path))
    expect(await Promise.all([first, ...others].map(({ ended }) => ended.promise))).toEqual(['E_OWN', '/second', '/third'])
    expect(others.map(({ told }) => told)).toEqual([['/second'], ['/third']])
    expect(server.requests).toHaveLength(3)
  })

  test('also behind answers that end their connection, in each of the ways', async () => {
    const ways: ((socket: Socket, path: string) => void)[] = [
      (socket, path) => void socket.write(ok(path, 'Connection: close\r\n')),
      (socket, path) => void socket.end(`HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${path}`),
      (socket, path) => void socket.end(`HTTP/1.0 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`),
      // undici gives a second less two to a connection that the server keeps for a second.
      (socket, path) => void socket.write(ok(path, 'Keep-Alive: timeout=1\r\n')),
      (socket, path) => void socket.write(`${ok(path)}and more than it said`),
      (socket, path) => void socket.write(`${ok(path)}HTTP/1.1 500 Smuggled\r\nContent-Length: 0\r\n\r\n`),
    ]
    await using server = await rawServer((socket, count, request) => ways[(count - 1) % ways.length]?.(socket, pathOf(request)))
    await using pool = testPool(server.url)
    const paths = Array.from({ length: 2 * ways.length }, (_, index) => `/${index}`)
    expect(await Promise.all(paths.map((path) => post(pool, path)))).toEqual(paths)
    expect(server.requests.map(pathOf)).toEqual(paths)
    expect(server.connections).toBe(paths.length)
  })

  test('also to one that is not written whole when its answer comes', async () => {
    let parts = 0
    const sockets: Socket[] = []
    const server = createServer((socket) => {
      sockets.push(socket)
      socket.on('error', () => {})
      socket.once('data', () => {
        parts += 1
        socket.pause()
        socket.end(parts === 1 ? ok('early', 'Connection: close\r\n') : ok('later'))
      })
    })
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    await using pool = testPool(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    expect(await Promise.all([post(pool, '/large', Buffer.alloc(16 * 1024 * 1024)), post(pool, '/small')])).toEqual(['early', 'later'])
    await pool.destroy()
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
})

describe('a connection that dies', () => {
  test('before the next request was written takes it not along: it goes out once, on a new one', async () => {
    await using bed = await withSockets()
    await using pool = testPool(bed.server.url)
    for (const [turn, die] of [(socket: Socket) => socket.resetAndDestroy(), (socket: Socket) => socket.destroy()].entries()) {
      expect(await post(pool, '/before')).toBe('/before')
      await nextTurn()
      die(bed.sockets.at(-1) as Socket)
      // In the same breath: the death has not been seen here.
      expect(await post(pool, `/after/${turn}`)).toBe(`/after/${turn}`)
    }
    expect(bed.server.requests.map(pathOf)).toEqual(['/before', '/after/0', '/before', '/after/1'])
    expect(bed.server.connections).toBe(3)
  })

  test('and cannot be opened again fails the request, with what the connect says', async () => {
    const bed = await withSockets()
    await using pool = testPool(bed.server.url)
    await post(pool, '/before')
    await nextTurn()
    // It listens no more before the next connect can come.
    const closed = bed[Symbol.asyncDispose]()
    bed.sockets[0]?.resetAndDestroy()
    expect(await post(pool, '/after')).toBe('ECONNREFUSED')
    await closed
    expect(bed.server.requests).toHaveLength(1)
  })

  test('under a request that was written fails it: a POST is never sent twice', async () => {
    await using server = await rawServer((socket, count, request) => {
      if (count % 2 === 1) echo(socket, count, request)
      else socket.resetAndDestroy()
    })
    await using pool = testPool(server.url)
    const paths = ['/0', '/1', '/2', '/3', '/4', '/5']
    const results = await Promise.all(paths.map((path) => post(pool, path)))
    expect(results.filter((_, index) => index % 2 === 0)).toEqual(['/0', '/2', '/4'])
    for (const result of results.filter((_, index) => index % 2 === 1)) expect(result).toMatch(/^(ECONNRESET|UND_ERR_SOCKET)$/)
    expect(server.requests.map(pathOf)).toEqual(paths)
  })

  test('silently behind every answer costs one request, and not every second one', async () => {
    await using server = await rawServer((socket, _count, request) => void socket.end(ok(pathOf(request))))
    await using pool = testPool(server.url)
    const paths = Array.from({ length: 40 }, (_, index) => `/${index}`)
    const results = await Promise.all(paths.map((path) => post(pool, path)))
    expect(results.filter((result, index) => result !== paths[index]).length).toBeLessThanOrEqual(1)
    const seen = server.requests.map(pathOf)
    expect(new Set(seen).size).toBe(seen.length)
  })

  test('does not shut a waiting request out when the one before is aborted', async () => {
    const bed = await rawServer((socket, count, request) => count > 1 && echo(socket, count, request))
    await using server = bed
    await using pool = testPool(server.url)
    const first = send(pool, '/hangs')
    const second = post(pool, '/waits')
    await vi.waitFor(() => expect(server.requests).toHaveLength(1))
    first.controller?.abort(new Error('enough'))
    expect(await Promise.all([first.ended.promise, second])).toEqual(['enough', '/waits'])
    expect(server.connections).toBe(2)
  })

  test('idle goes by the keep-alive time, and none of a burst stays', async () => {
    await using server = await rawServer((socket, count, request) => void setImmediate(() => echo(socket, count, request)))
    await using pool = testPool(server.url, { connections: 20, keepAliveMs: 30 })
    await Promise.all(Array.from({ length: 60 }, (_, index) => post(pool, `/${index}`)))
    expect(server.connections).toBe(20)
    await vi.waitFor(() => expect(server.open).toBe(0))
    expect(await post(pool, '/again')).toBe('/again')
    expect(server.connections).toBe(21)
  })
})

describe('a connection that cannot be opened', () => {
  test('fails each request on its own, and the next one finds the server that has come', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.on('data', (chunk) => echo(socket, 1, chunk.toString('latin1')))
    })
    const listen = (port: number): Promise<void> => new Promise((resolve) => void server.listen(port, '127.0.0.1', resolve))
    await listen(0)
    const { port } = server.address() as AddressInfo
    await new Promise((resolve) => server.close(resolve))
    await using pool = testPool(`http://127.0.0.1:${port}`, { connections: 2 })
    const results = await Promise.all(Array.from({ length: 7 }, (_, index) => post(pool, `/${index}`)))
    expect(results).toEqual(Array.from({ length: 7 }, () => 'ECONNREFUSED'))
    await listen(port)
    expect(await Promise.all([post(pool, '/a'), post(pool, '/b'), post(pool, '/c')])).toEqual(['/a', '/b', '/c'])
    await pool.destroy()
    await new Promise((resolve) => server.close(resolve))
  })

  test('for its certificate fails all that wait, one by one', async () => {
    const pem = makeCertificates()
    const { createServer: createTls } = await import('node:tls')
    let connections = 0
    const server = createTls({ ...pem.wrongName }).on('connection', () => (connections += 1))
    server.on('tlsClientError', () => {})
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    await using pool = testPool(`https://127.0.0.1:${(server.address() as AddressInfo).port}`, { tls: { ca: pem.ca } })
    const results = await Promise.all([post(pool, '/a'), post(pool, '/b'), post(pool, '/c')])
    expect(results).toEqual(Array.from({ length: 3 }, () => 'ERR_TLS_CERT_ALTNAME_INVALID'))
    expect(connections).toBe(3)
    await pool.destroy()
    await new Promise((resolve) => server.close(resolve))
  })

  test('is not waited for by a request that has ended: the live ones behind it come first', async () => {
    await using server = await rawServer((socket, count, request) => count > 1 && echo(socket, count, request))
    await using pool = testPool(server.url)
    const first = send(pool, '/hangs')
    const dead = Array.from({ length: 5 }, (_, index) => send(pool, `/dead/${index}`))
    const live = post(pool, '/live')
    for (const asked of dead) asked.over = true
    await vi.waitFor(() => expect(server.requests).toHaveLength(1))
    first.controller?.abort(new Error('enough'))
    expect(await live).toBe('/live')
    expect(server.requests.map(pathOf)).toEqual(['/hangs', '/live'])
    expect(dead.map(({ told }) => told)).toEqual(dead.map(() => []))
  })
})

describe('the end of the pool', () => {
  test('fails what runs, what waits, and what comes later or from within the failure of another', async () => {
    await using server = await rawServer(() => {})
    const pool = testPool(server.url)
    const asked = ['/runs', '/waits', '/waits/too'].map((path) => send(pool, path))
    const late = new Asked()
    void asked[1]?.ended.promise.then(() => send(pool, '/late', late))
    await vi.waitFor(() => expect(server.requests).toHaveLength(1))
    await Promise.all([pool.destroy(), pool.destroy()])
    expect(await Promise.all([...asked, late].map(({ ended }) => ended.promise))).toEqual(
      Array.from({ length: 4 }, () => 'UND_ERR_DESTROYED'),
    )
    expect(asked.map(({ told }) => told.length)).toEqual([1, 1, 1])
    expect(server.requests).toHaveLength(1)
    await vi.waitFor(() => expect(server.open).toBe(0))
  })

  test('closes what is being opened, instead of leaving it to the connect time-out', async () => {
    // Speaks no TLS, so the handshake never ends.
    let open = 0
    const server = createServer((socket) => {
      open += 1
      socket.on('error', () => {}).on('close', () => (open -= 1))
      socket.resume()
    })
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    const pool = testPool(`https://127.0.0.1:${(server.address() as AddressInfo).port}`, { connectTimeoutMs: 60_000 })
    const asked = send(pool, '/opening')
    await vi.waitFor(() => expect(open).toBe(1))
    await pool.destroy()
    expect(await asked.ended.promise).toBe('UND_ERR_DESTROYED')
    await vi.waitFor(() => expect(open).toBe(0))
    await new Promise((resolve) => server.close(resolve))
  })
})
