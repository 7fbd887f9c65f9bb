import { createServer } from 'node:https'
import type { ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { leakGuard } from '../../../src/testing/leak-guard.ts'
import { makeCertificates } from './certificates.ts'
import { call, testInvoker } from './invoke.ts'
import { rawServer } from './raw-server.ts'

leakGuard()

const pem = makeCertificates()

const httpsServer = async (options: ServerOptions): Promise<AsyncDisposable & { url: string }> => {
  const server = createServer(options, (request, response) => {
    request.resume()
    response.end('hello')
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

test('https with an authority of one’s own', async () => {
  await using server = await httpsServer(pem.good)
  await using invoker = testInvoker(server.url, { tls: { ca: pem.ca } })
  expect(await call(invoker, { wantReply: true })).toMatchObject({ kind: 'response', reply: { status: 200 } })
})

test('T16 an unknown authority is refused as an identity (openfaas K6)', async () => {
  await using server = await httpsServer(pem.good)
  for (const tls of [{}, { ca: pem.otherCa }]) {
    await using invoker = testInvoker(server.url, { tls })
    expect(await call(invoker)).toMatchObject({ kind: 'failure', cause: 'tls-identity' })
  }
})

test('T16 a certificate of another name is refused as an identity', async () => {
  await using server = await httpsServer(pem.wrongName)
  await using invoker = testInvoker(server.url, { tls: { ca: pem.ca } })
  expect(await call(invoker)).toMatchObject({ kind: 'failure', cause: 'tls-identity' })
})

test('a client certificate is shown where it is asked for', async () => {
  await using server = await httpsServer({ ...pem.good, ca: pem.ca, requestCert: true, rejectUnauthorized: true })
  await using known = testInvoker(server.url, { tls: { ca: pem.ca, ...pem.client } })
  await using unknown = testInvoker(server.url, { tls: { ca: pem.ca } })
  expect(await call(known)).toMatchObject({ kind: 'response' })
  const refused = await call(unknown)
  expect(refused.kind === 'failure' && refused.cause).toMatch(/^(tls|reset)$/)
})

test('a server that speaks no TLS', async () => {
  await using plain = await rawServer((socket) => void socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'))
  await using invoker = testInvoker(plain.url.replace('http:', 'https:'), { connectTimeoutMs: 150 })
  // The handshake is no request, so nothing answers: the connect timeout ends it.
  expect(await call(invoker)).toMatchObject({ kind: 'failure', cause: 'timeout' })
})
