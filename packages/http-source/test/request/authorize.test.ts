import { Secret } from '@millrace/sdk'
import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { bench, guardTests, head, raw, send } from '../kit.ts'

guardTests()

const functions = { f: { annotations: { topic: '#' } } }
const withToken = (token: string): { headers: [string, string][] } => ({ headers: [['authorization', `Bearer ${token}`]] })

test('a token lets in, also one of several, and it is asked for anew each time', async () => {
  let known = ['first-token']
  const { url, gateway } = await bench(functions, { source: { tokens: async () => known.map((token) => new Secret(token)) } })
  expect((await send(`${url}t?wait=true`, 'x', withToken('first-token'))).status).toBe(200)
  known = ['second-token', 'third-token']
  expect((await send(`${url}t?wait=true`, 'x', withToken('first-token'))).status).toBe(401)
  expect((await send(`${url}t?wait=true`, 'x', withToken('third-token'))).status).toBe(200)
  // The token is for us, never for a function.
  expect(gateway.requests.map((request) => request.headerValues('authorization'))).toEqual([[], []])
  known = []
  expect((await send(`${url}t`, 'x', withToken('third-token'))).status).toBe(401)
})

test.each([[undefined], ['Basic dG9rZW4='], ['Bearer'], ['Bearer a b'], ['token-1']])('%j is 401 with a challenge', async (value) => {
  const { url } = await bench(functions, { source: { tokens: async () => [new Secret('token-1')] } })
  const answer = await send(`${url}t`, 'x', value === undefined ? {} : { headers: [['authorization', value]] })
  expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'Bearer realm="millrace"'])
  expect(answer.json()['type']).toBe('urn:millrace:problem:unauthorized')
})

test('with a token a page may publish: it knows the token', async () => {
  const { url } = await bench(functions, { source: { tokens: async () => [new Secret('token-1')] } })
  const headers: [string, string][] = [['origin', 'http://page.example'], ...withToken('token-1').headers]
  expect((await send(`${url}t?wait=true`, 'x', { headers })).status).toBe(200)
})

describe('T41: authorization before the body', () => {
  test('nothing of a body is asked for', async () => {
    const { url } = await bench(functions, { source: { tokens: async () => [new Secret('token-1')] } })
    const answer = await raw(url, head('/topics/t', 'Content-Length: 8', 'Expect: 100-continue'))
    expect(answer).toMatch(/^HTTP\/1\.1 401 /)
  })

  test('gigabytes are not taken: the connection ends', async () => {
    const { url } = await bench(functions, { source: { tokens: async () => [new Secret('token-1')] } })
    const written = await new Promise<number>((resolve) => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1')
      const chunk = Buffer.alloc(1024 * 1024)
      const write = (): void => {
        if (socket.bytesWritten < 64 * 1024 * 1024 && !socket.destroyed) socket.write(chunk, (error) => void (error ?? write()))
      }
      socket.on('error', () => {})
      socket.on('close', () => resolve(socket.bytesWritten))
      socket.resume()
      socket.write(head('/topics/t', 'Content-Length: 8000000000'), write)
    })
    // A megabyte is thrown away so that the answer is read; the rest is what lies in the buffers of the kernel.
    expect(written).toBeLessThan(32 * 1024 * 1024)
  })

  test('an authorized sender is asked for its body', async () => {
    const { url } = await bench(functions, { source: { tokens: async () => [new Secret('token-1')] } })
    const lines = ['Content-Length: 1', 'Expect: 100-continue', 'Authorization: Bearer token-1', 'Connection: close']
    const answer = await raw(url, head('/topics/t?wait=true', ...lines), 'x')
    expect(answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /)
  })
})
