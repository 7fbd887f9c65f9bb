import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import type { AttemptResult } from '../../../src/core/attempt.ts'
import { leakGuard } from '../../../src/testing/leak-guard.ts'
import { eventWith } from '../../core/headers/events.ts'
import { attempt, call, testInvoker } from './invoke.ts'
import { ok, rawServer } from './raw-server.ts'

leakGuard()

describe('a request', () => {
  test('is one POST with the event’s bytes, its length and our headers, and no credentials (openfaas R7, S11)', async () => {
    await using server = await rawServer((socket) => socket.write(ok()))
    await using invoker = testInvoker(server.url)
    const result = await call(invoker, { attempt: 2 })
    expect(result).toMatchObject({ kind: 'response', reply: { status: 200 } })
    const [head = '', body] = (server.requests[0] ?? '').split('\r\n\r\n')
    expect(body).toBe('payload')
    expect(head.split('\r\n').slice(1).sort()).toEqual(
      [
        `host: 127.0.0.1:${server.port}`,
        'connection: keep-alive',
        'content-length: 7',
        'Content-Type: text/plain',
        'User-Agent: millrace/0.1.0',
        'X-Topic: orders',
        'X-Connector: millrace/kafka-connector',
        'X-Event-Id: kafka:prod/orders/3/42',
        'X-Delivery-Attempt: 2',
        'Idempotency-Key: kafka:prod/orders/3/42',
      ].sort(),
    )
    expect(head).toMatch(/^POST \/function\/echo\.openfaas-fn HTTP\/1\.1\r\n/)
  })

  test('T32 without data says so by its length', async () => {
    await using server = await rawServer((socket) => socket.write(ok()))
    await using invoker = testInvoker(server.url)
    await call(invoker, { event: eventWith({ data: new Uint8Array() }) })
    expect(server.requests[0]).toContain('content-length: 0\r\n')
  })

  test('goes below the gateway’s path prefix, and to /async-function/ when asynchronous', async () => {
    await using server = await rawServer((socket) => socket.write('HTTP/1.1 202 Accepted\r\nX-Call-Id: c1\r\nContent-Length: 0\r\n\r\n'))
    await using invoker = testInvoker(`${server.url}/faas/`)
    const result = await call(invoker, { async: true, function: 'echo' })
    expect(server.requests[0]).toMatch(/^POST \/faas\/async-function\/echo HTTP/)
    expect(result).toMatchObject({ kind: 'response', reply: { status: 202, headers: { 'x-call-id': 'c1' } } })
  })

  test.each([
    '../system/secrets',
    '%2e%2e',
    'a/b',
    'a?x',
    'a#',
    'a@host',
    '//evil',
    'a\u2024b',
    'x'.repeat(300),
    '',
    '.',
    '..',
    'a.b.c',
    'a.',
    'fn.kube system',
    'a\r\nb',
  ])('T34 is not made for the function name %j', async (name) => {
    await using server = await rawServer((socket) => socket.write(ok()))
    await using invoker = testInvoker(server.url)
    expect(await call(invoker, { function: name })).toMatchObject({ kind: 'failure', cause: 'malformed' })
    expect(server.connections).toBe(0)
  })

  test('ten in a row share one connection (openfaas S12)', async () => {
    await using server = await rawServer((socket) => socket.write(ok()))
    await using invoker = testInvoker(server.url)
    for (let times = 0; times < 10; times += 1) {
      await call(invoker)
      await nextTurn()
    }
    expect(server.requests).toHaveLength(10)
    expect(server.connections).toBe(1)
  })

  test('no more connections than configured, the rest wait their turn', async () => {
    await using server = await rawServer((socket) => setImmediate(() => socket.write(ok())))
    await using invoker = testInvoker(server.url, { connections: 2 })
    const results = await Promise.all(Array.from({ length: 20 }, () => call(invoker)))
    expect(results.every((result) => result.kind === 'response')).toBe(true)
    expect(server.connections).toBe(2)
  })
})

describe('a reply', () => {
  const answer = 'HTTP/1.1 500 Oops\r\nX-A: 1\r\nx-a: 2\r\nRetry-After: 7\r\n__proto__: polluted\r\nContent-Length: 5\r\n\r\nhello'

  test('that is wanted has lower-case headers, lists for repeated ones, no prototype, and the body', async () => {
    await using server = await rawServer((socket) => socket.write(answer))
    await using invoker = testInvoker(server.url)
    const result = await call(invoker, { wantReply: true })
    if (result.kind !== 'response') throw new Error(result.kind)
    const { reply } = result
    expect(reply.status).toBe(500)
    expect(reply.headers['x-a']).toEqual(['1', '2'])
    expect(reply.headers['retry-after']).toBe('7')
    expect(Object.getPrototypeOf(reply.headers)).toBeNull()
    expect(Buffer.from(reply.body).toString()).toBe('hello')
    expect(reply.truncated).toBe(false)
    expect(result.durationMs).toBeGreaterThanOrEqual(0)
  })

  test('T31 a header named __proto__ changes no prototype', async () => {
    await using server = await rawServer((socket) => socket.write(answer))
    await using invoker = testInvoker(server.url)
    await call(invoker, { wantReply: true })
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  test('of a failure that nobody wants keeps headers and 1 KiB of the body, of a success nothing', async () => {
    const body = 'x'.repeat(5000)
    await using server = await rawServer((socket, count) =>
      socket.write(count === 1 ? ok(body).replace('200 OK', '401 No') : ok(body, 'X-A: 1\r\n')),
    )
    await using invoker = testInvoker(server.url)
    const failed = await call(invoker)
    await nextTurn()
    const fine = await call(invoker)
    if (failed.kind !== 'response' || fine.kind !== 'response') throw new Error('no response')
    expect(failed.reply.body).toHaveLength(1024)
    expect(failed.reply.truncated).toBe(true)
    expect(failed.reply.headers['content-length']).toBe('5000')
    expect(fine.reply.body).toHaveLength(0)
    expect(fine.reply.headers).toEqual({})
    expect(server.connections).toBe(1)
  })

  test('T20 over the cap is cut, the status decides, and the connection closes (P9, openfaas S12)', async () => {
    await using server = await rawServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
      const chunk = `1000\r\n${'x'.repeat(4096)}\r\n`
      const pump = (): void => {
        while (!socket.destroyed && socket.write(chunk));
        if (!socket.destroyed) socket.once('drain', pump)
      }
      pump()
    })
    await using invoker = testInvoker(server.url, { maxReplyBytes: 10_000 })
    for (const wantReply of [true, false]) {
      const result = await call(invoker, { wantReply })
      if (result.kind !== 'response') throw new Error(result.kind)
      expect(result.reply.status).toBe(200)
      expect(result.reply.body).toHaveLength(wantReply ? 10_000 : 0)
      expect(result.reply.truncated).toBe(true)
    }
    expect(server.connections).toBe(2)
  })

  test('T22, T38 a redirect is an answer and is not followed', async () => {
    await using other = await rawServer((socket) => socket.write(ok()))
    await using server = await rawServer((socket) =>
      socket.write(`HTTP/1.1 302 Found\r\nLocation: ${other.url}/steal\r\nContent-Length: 0\r\n\r\n`),
    )
    await using invoker = testInvoker(server.url)
    expect(await call(invoker)).toMatchObject({ kind: 'response', reply: { status: 302, headers: { location: `${other.url}/steal` } } })
    expect(other.connections).toBe(0)
  })

  test('T20 a gzip body is not unpacked', async () => {
    const bomb = Buffer.from('1f8b08000000000000034b4c4a06000000', 'hex').toString('latin1')
    await using server = await rawServer((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n`)
      socket.write(bomb, 'latin1')
    })
    await using invoker = testInvoker(server.url)
    const result = await call(invoker, { wantReply: true })
    expect(result.kind === 'response' && Buffer.from(result.reply.body).toString('latin1')).toBe(bomb)
  })
})

describe('an end from our side', () => {
  test('abort ends an attempt once, never from within the call, and closes its connection', async () => {
    let reached: () => void = () => {}
    const arrived = new Promise<void>((resolve) => (reached = resolve))
    const closed = vi.fn<() => void>()
    await using server = await rawServer((socket) => {
      socket.on('close', closed)
      reached()
    })
    await using invoker = testInvoker(server.url)
    const done = vi.fn<(result: AttemptResult) => void>()
    const handle = invoker.invoke(attempt(), done)
    await arrived
    handle.abort()
    handle.abort()
    expect(done).not.toHaveBeenCalled()
    await vi.waitFor(() => expect(closed).toHaveBeenCalled())
    expect(done.mock.calls).toEqual([[{ kind: 'aborted' }]])
  })

  test('abort ends an attempt that waits for a connection, and the connection stays', async () => {
    const sockets: (() => void)[] = []
    await using server = await rawServer((socket) => void sockets.push(() => socket.write(ok())))
    await using invoker = testInvoker(server.url, { connections: 1 })
    const first = call(invoker)
    await vi.waitFor(() => expect(sockets).toHaveLength(1))
    const waiting = vi.fn<(result: AttemptResult) => void>()
    invoker.invoke(attempt(), waiting).abort()
    const third = call(invoker)
    await Promise.resolve()
    expect(waiting.mock.calls).toEqual([[{ kind: 'aborted' }]])
    sockets[0]?.()
    await vi.waitFor(() => expect(sockets).toHaveLength(2))
    sockets[1]?.()
    expect([(await first).kind, (await third).kind]).toEqual(['response', 'response'])
    expect(server.requests).toHaveLength(2)
    expect(server.connections).toBe(1)
  })

  test('close ends what runs and what waits as aborted; later attempts too', async () => {
    await using server = await rawServer(() => {})
    const invoker = testInvoker(server.url, { connections: 1 })
    const results = [call(invoker), call(invoker)]
    await vi.waitFor(() => expect(server.requests).toHaveLength(1))
    await invoker.close()
    expect(await Promise.all([...results, call(invoker)])).toEqual([{ kind: 'aborted' }, { kind: 'aborted' }, { kind: 'aborted' }])
  })
})
