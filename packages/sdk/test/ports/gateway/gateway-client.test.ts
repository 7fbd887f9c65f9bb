import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { ErrorCode } from '../../../src/core/errors.ts'
import { isMillraceError } from '../../../src/core/errors.ts'
import { Secret } from '../../../src/core/secret.ts'
import { createGatewayClient } from '../../../src/ports/gateway/gateway-client.ts'
import type { GatewayClient, GatewayClientOptions } from '../../../src/ports/gateway/gateway-client.ts'
import { leakGuard } from '../../../src/testing/leak-guard.ts'

leakGuard()

interface Peer extends AsyncDisposable {
  readonly url: string
  readonly seen: { readonly url: string; readonly authorization: string | undefined }[]
}

const gateway = async (answer: RequestListener): Promise<Peer> => {
  const seen: { url: string; authorization: string | undefined }[] = []
  const server = createServer((request, response) => {
    seen.push({ url: request.url ?? '', authorization: request.headers.authorization })
    answer(request, response)
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const clientOf = (url: string, options: Partial<GatewayClientOptions> = {}): GatewayClient & AsyncDisposable => {
  const client = createGatewayClient({ url, timeoutMs: 3000, ...options })
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() })
}

const failure = async (promise: Promise<unknown>): Promise<{ code: ErrorCode; message: string }> => {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!isMillraceError(error)) throw new Error(`no MillraceError: ${String(error)}`)
  return { code: error.code, message: error.message }
}

describe('the list of functions', () => {
  test('is decoded, with what is absent absent', async () => {
    const list = [
      {
        name: 'a',
        image: 'i',
        namespace: 'fn',
        createdAt: '2024-01-01T00:00:00Z',
        annotations: { topic: 't1, t2', odd: 7 },
        labels: { l: '1' },
      },
      { name: 'z', image: 'i', createdAt: '0001-01-01T00:00:00Z' },
      { image: 'nameless' },
      { name: 'n', annotations: null },
    ]
    await using peer = await gateway((_, response) => void response.end(JSON.stringify(list)))
    await using client = clientOf(peer.url)
    expect(await client.listFunctions('fn')).toEqual([
      { name: 'a', namespace: 'fn', image: 'i', createdAt: '2024-01-01T00:00:00Z', annotations: new Map([['topic', 't1, t2']]) },
      { name: 'z', namespace: 'fn', image: 'i', createdAt: '0001-01-01T00:00:00Z', annotations: new Map() },
      { name: 'n', namespace: 'fn', annotations: new Map() },
    ])
    expect((await client.listFunctions()).map(({ namespace }) => namespace)).toEqual(['fn', undefined, undefined])
    expect(peer.seen.map(({ url }) => url)).toEqual(['/system/functions?namespace=fn', '/system/functions'])
  })

  test.each(['null', '[]'])('%s is an empty list', async (body) => {
    await using peer = await gateway((_, response) => void response.end(body))
    await using client = clientOf(peer.url)
    expect(await client.listFunctions()).toEqual([])
    expect(await client.listNamespaces()).toEqual([])
  })

  test('T31 __proto__ and constructor are names like any other', async () => {
    const body = '[{"name":"a","__proto__":{"image":"polluted"},"annotations":{"__proto__":"x","constructor":"y"}}]'
    await using peer = await gateway((_, response) => void response.end(body))
    await using client = clientOf(peer.url)
    const [only] = await client.listFunctions()
    expect(only?.annotations).toEqual(
      new Map([
        ['__proto__', 'x'],
        ['constructor', 'y'],
      ]),
    )
    expect(only?.image).toBeUndefined()
    expect(({} as Record<string, unknown>)['image']).toBeUndefined()
  })

  test.each<[string, string | Buffer]>([
    ['HTML', '<html><body>login</body></html>'],
    ['truncated JSON', '[{"name":"a"'],
    ['an empty body', ''],
    ['an object', '{"name":"a"}'],
    ['items that are no objects', '[1,"a",null,[]]'],
    ['gzip that nobody asked for', gzipSync('[]')],
  ])('T20 %s is malformed', async (_name, body) => {
    await using peer = await gateway((_, response) => void response.end(body))
    await using client = clientOf(peer.url)
    expect((await failure(client.listFunctions())).code).toBe('E_GATEWAY_MALFORMED')
  })

  test('T20 a body without end is cut at the limit', async () => {
    await using peer = await gateway((_, response) => {
      const pump = (): void => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
        if (!response.destroyed) response.once('drain', pump)
      }
      pump()
    })
    await using client = clientOf(peer.url, { maxBytes: 1_000_000 })
    expect((await failure(client.listFunctions())).code).toBe('E_GATEWAY_TOO_LARGE')
  })

  test('T34 a namespace that is no DNS label never becomes a URL', async () => {
    await using peer = await gateway((_, response) => void response.end('[]'))
    await using client = clientOf(peer.url)
    for (const namespace of ['../x', 'a&b=c', 'A', '', 'a.b'])
      expect((await failure(client.listFunctions(namespace))).code).toBe('E_GATEWAY_MALFORMED')
    expect(peer.seen).toEqual([])
  })
})

describe('what goes wrong', () => {
  test.each([
    [401, 'invalid credentials', 'E_GATEWAY_AUTH'],
    [403, 'insufficient permissions', 'E_GATEWAY_AUTH'],
    [400, 'namespace must be: openfaas-fn\n', 'E_GATEWAY_STATUS'],
    [502, '\n', 'E_GATEWAY_STATUS'],
    [204, '', 'E_GATEWAY_STATUS'],
  ] as const)('openfaas S2 %i says URL, status and the gateway’s words', async (status, body, code) => {
    await using peer = await gateway((_, response) => void response.writeHead(status).end(body))
    await using client = clientOf(peer.url)
    const failed = await failure(client.listFunctions())
    expect(failed.code).toBe(code)
    expect(failed.message).toContain(`${peer.url}/system/functions`)
    expect(failed.message).toContain(String(status))
    expect(failed.message).toContain(body.trim() || 'no body')
  })

  test('T42 the gateway’s words are escaped and cut', async () => {
    await using peer = await gateway((_, response) => void response.writeHead(500).end(`\u001B[31m\nforged${'x'.repeat(100_000)}`))
    await using client = clientOf(peer.url)
    const { message } = await failure(client.listFunctions())
    expect(message).toMatch(/\\u\{1b\}\[31m\\u\{a\}forged/)
    expect(message.length).toBeLessThan(400)
  })

  test('openfaas S3 a hanging list ends in time', async () => {
    await using peer = await gateway(() => {})
    await using client = clientOf(peer.url, { timeoutMs: 60 })
    expect((await failure(client.listFunctions())).code).toBe('E_GATEWAY_TIMEOUT')
  })

  test('a reset, and nobody there', async () => {
    const peer = await gateway((request) => void request.socket.resetAndDestroy())
    await using client = clientOf(peer.url)
    expect((await failure(client.listFunctions())).code).toBe('E_GATEWAY_UNREACHABLE')
    await peer[Symbol.asyncDispose]()
    expect((await failure(client.listFunctions())).code).toBe('E_GATEWAY_UNREACHABLE')
    expect(await client.ready()).toBe(false)
  })

  test('the caller’s signal ends a call', async () => {
    await using peer = await gateway(() => {})
    await using client = clientOf(peer.url)
    const controller = new AbortController()
    const running = failure(client.listFunctions(undefined, controller.signal))
    controller.abort()
    expect((await running).code).toBe('E_GATEWAY_CLOSED')
    expect((await failure(client.info(controller.signal))).code).toBe('E_GATEWAY_CLOSED')
  })
})

describe('credentials', () => {
  test('go to /system/* alone and are read again for each call', async () => {
    const passwords = ['one', 'two', 'three']
    const credentials = async () => ({ user: 'admin', password: new Secret(passwords.shift() ?? '') })
    await using peer = await gateway((request, response) => void response.end(request.url === '/system/info' ? '{}' : '[]'))
    await using client = clientOf(peer.url, { credentials })
    await client.listNamespaces()
    await client.listFunctions()
    await client.info()
    await client.ready()
    const basic = (password: string): string => `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`
    expect(peer.seen.map(({ url, authorization }) => [url, authorization])).toEqual([
      ['/system/namespaces', basic('one')],
      ['/system/functions', basic('two')],
      ['/system/info', basic('three')],
      ['/healthz', undefined],
    ])
  })

  test('T38 a redirect is not followed, so they reach no other host', async () => {
    await using other = await gateway((_, response) => void response.end('[]'))
    await using peer = await gateway((_, response) => void response.writeHead(307, { location: `${other.url}/system/functions` }).end())
    await using client = clientOf(peer.url, { credentials: async () => ({ user: 'u', password: 'p' }) })
    expect((await failure(client.listFunctions())).code).toBe('E_GATEWAY_STATUS')
    expect(other.seen).toEqual([])
  })
})

test('info: a provider that is down is absent', async () => {
  const bodies = [
    '{"provider":null,"version":{"release":"0.27.12"}}',
    '{"provider":{"provider":"faas-netes","orchestration":"kubernetes"}}',
  ]
  await using peer = await gateway((_, response) => void response.end(bodies.shift()))
  await using client = clientOf(`${peer.url}/prefix`)
  expect(await client.info()).toEqual({ release: '0.27.12' })
  expect(await client.info()).toEqual({ provider: 'faas-netes', orchestration: 'kubernetes' })
  expect(peer.seen[0]?.url).toBe('/prefix/system/info')
})
