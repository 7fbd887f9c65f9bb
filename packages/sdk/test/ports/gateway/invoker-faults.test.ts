import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { expect, test } from 'vitest'
import { leakGuard } from '../../../src/testing/leak-guard.ts'
import { manualClock } from '../../../src/testing/manual-clock.ts'
import { call, testInvoker } from './invoke.ts'
import { ok, rawServer } from './raw-server.ts'

leakGuard()

const half = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello'

test.each<[string, (socket: Socket) => void, string]>([
  ['T19 a reset before the headers', (socket) => void socket.resetAndDestroy(), 'reset'],
  ['T19 an empty reply', (socket) => void socket.end(), 'reset'],
  [
    'T19 a reset in the middle of the body',
    (socket) => void socket.write(half, () => setImmediate(() => socket.resetAndDestroy())),
    'reset',
  ],
  ['T19 a body that ends too soon', (socket) => void socket.end(half), 'reset'],
  ['T19 the same with Connection: close', (socket) => void socket.end(half.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')), 'reset'],
  [
    'T19 chunks that end too soon',
    (socket) => void socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel'),
    'reset',
  ],
  ['T22 garbage', (socket) => void socket.write('SSH-2.0-OpenSSH_9.2\r\n'), 'malformed'],
  ['T22 a bad chunk', (socket) => void socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n'), 'malformed'],
  // undici takes these two for a body of another length than announced.
  ['T22 two lengths', (socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'), 'reset'],
  [
    'T22 length and chunks at once',
    (socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\na'),
    'reset',
  ],
  ['T22 headers without end', (socket) => void socket.write(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}`), 'malformed'],
  [
    'T22 a flood of interim responses',
    (socket) => void socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(20)),
    'malformed',
  ],
  [
    'an upgrade that nobody asked for',
    (socket) => void socket.write('HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'),
    'reset',
  ],
])('%s', async (_name, answer, cause) => {
  await using server = await rawServer((socket, count) => (count === 1 ? answer(socket) : void socket.write(ok())))
  await using invoker = testInvoker(server.url)
  const result = await call(invoker)
  expect(result).toMatchObject({ kind: 'failure', cause })
  expect(result.kind === 'failure' && result.detail).toMatch(/^[\x20-\x7E…]{1,300}$/)
  // The broken connection serves nobody else.
  expect(await call(invoker)).toMatchObject({ kind: 'response', reply: { status: 200 } })
  expect(server.connections).toBe(2)
})

test('a few interim responses are skipped', async () => {
  await using server = await rawServer((socket) => void socket.write(`${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(3)}${ok()}`))
  await using invoker = testInvoker(server.url)
  expect(await call(invoker)).toMatchObject({ kind: 'response', reply: { status: 200 } })
})

test('bytes beyond the length belong to no other attempt: the answer stands and the connection goes', async () => {
  await using server = await rawServer(
    (socket, count) => void socket.write(count === 1 ? `${ok('first')}HTTP/1.1 500 Smuggled\r\nContent-Length: 0\r\n\r\n` : ok('second')),
  )
  await using invoker = testInvoker(server.url, { connections: 1 })
  const bodies: string[] = []
  for (let times = 0; times < 2; times += 1) {
    const result = await call(invoker, { wantReply: true })
    bodies.push(result.kind === 'response' ? Buffer.from(result.reply.body).toString() : result.kind)
  }
  expect(bodies).toEqual(['first', 'second'])
  expect(server.connections).toBe(2)
})

test('T19 a gateway that is down', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  await using invoker = testInvoker(`http://127.0.0.1:${port}`)
  expect(await call(invoker)).toMatchObject({ kind: 'failure', cause: 'connect' })
})

test('T19 a name that does not resolve', async () => {
  await using invoker = testInvoker('http://no-such-host.invalid:8080')
  const result = await call(invoker)
  expect(result).toMatchObject({ kind: 'failure', cause: 'dns' })
})

test('T19 a function that hangs before the headers, or in the body, ends at the attempt’s timeout', async () => {
  await using server = await rawServer((socket, count) => void (count === 2 && socket.write(half)))
  const clock = manualClock()
  await using invoker = testInvoker(server.url, { clock })
  for (const count of [1, 2]) {
    const running = call(invoker, { timeoutMs: 60_000 })
    let ended = false
    void running.then(() => (ended = true))
    while (server.requests.length < count) await new Promise((resolve) => setImmediate(resolve))
    await clock.advanceAsync(59_990)
    expect(ended).toBe(false)
    await clock.advanceAsync(40)
    expect(await running).toMatchObject({ kind: 'failure', cause: 'timeout', detail: 'no complete response within 60000 ms' })
  }
  expect(clock.pending).toBe(0)
})

test('the timeout counts while an attempt waits for a connection', async () => {
  await using server = await rawServer(() => {})
  const clock = manualClock()
  await using invoker = testInvoker(server.url, { clock, connections: 1 })
  const first = call(invoker, { timeoutMs: 60_000 })
  const second = call(invoker, { timeoutMs: 1000 })
  await clock.advanceAsync(1040)
  expect(await second).toMatchObject({ kind: 'failure', cause: 'timeout' })
  await clock.advanceAsync(60_000)
  expect(await first).toMatchObject({ kind: 'failure', cause: 'timeout' })
})

test('T29 an event full of hostile headers is delivered, once', async () => {
  await using server = await rawServer((socket) => void socket.write(ok()))
  await using invoker = testInvoker(server.url)
  const headers = [
    ['a\r\nX-Evil: 1', 'v'],
    ['ok', 'v\r\n\r\nPOST /evil HTTP/1.1\r\n\r\n'],
    ['nul', 'a\0b'],
    ['bytes', new Uint8Array([0xc0, 0xa0, 0xff])],
  ] as const
  const event = { id: 'i\r\n', source: 's', type: 't', topic: 't\0\u{1F600}', data: Buffer.from('x'), headers }
  expect(await call(invoker, { event })).toMatchObject({ kind: 'response', reply: { status: 200 } })
  expect(server.requests).toHaveLength(1)
  expect(server.requests[0]).not.toMatch(/^(X-Evil|POST \/evil)/m)
})
