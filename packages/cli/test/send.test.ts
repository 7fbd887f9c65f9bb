import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { folderOf, later, run } from './kit.ts'

interface Taken {
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Answers one way, and keeps what it was sent. The real source is in test/e2e/start.test.ts. */
const eventSource = async (status: number, answer: unknown): Promise<{ url: string; taken: Taken[] }> => {
  const taken: Taken[] = []
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      taken.push({ url: request.url ?? '', headers: request.headers, body: body.toString() })
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  later(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/topics/`, taken }
}

test('posts the data and prints the id', async () => {
  const { url, taken } = await eventSource(202, { id: 'e-1' })
  const sent = await run([
    'send',
    'orders/created now',
    '--data',
    '{"id":1}',
    '--events',
    url,
    '--header',
    'x-a=1',
    '--header',
    'X-B: 2',
    '--id',
    'k"1',
  ])
  expect(sent).toMatchObject({ code: 0, out: 'e-1\n', err: '' })
  expect(taken).toEqual([
    {
      url: '/topics/orders%2Fcreated%20now',
      headers: expect.objectContaining({ 'content-type': 'application/json', 'x-a': '1', 'x-b': '2', 'idempotency-key': '"k\\"1"' }),
      body: '{"id":1}',
    },
  ])
})

test('reads standard input or a file, and takes text for text', async () => {
  const { url, taken } = await eventSource(202, { id: 'e-1' })
  const cwd = folderOf({ 'a.bin': '{broken' })
  await run(['send', 't', '--events', url], { input: 'hello' })
  await run(['send', 't', '--events', url, '--file', 'a.bin', '--content-type', 'application/x-a'], { cwd })
  expect(taken.map(({ body, headers }) => [body, headers['content-type']])).toEqual([
    ['hello', 'text/plain'],
    ['{broken', 'application/x-a'],
  ])
})

test.each([
  ['done', 0],
  ['accepted', 0],
  ['filtered', 0],
  ['dead-lettered', 1],
  ['dropped', 1],
] as const)('--wait: a function whose outcome is %s ends the command with %i', async (outcome, code) => {
  const answer = {
    id: 'e-1',
    results: [
      { function: 'a', outcome: 'done', status: 200, attempts: 1 },
      { function: 'b', outcome, attempts: 3, reason: 'exhausted' },
    ],
  }
  const { url, taken } = await eventSource(200, answer)
  const sent = await run(['send', 't', '--events', url, '--wait', '30s', '--json'])
  expect(sent).toMatchObject({ code, err: '' })
  expect(sent.json()).toEqual(answer)
  expect(taken[0]?.url).toBe('/topics/t?wait=30s')
  const shown = await run(['send', 't', '--events', url, '--wait'])
  expect(taken[1]?.url).toBe('/topics/t?wait=true')
  expect(shown.out).toMatch(
    new RegExp(`^e-1 2 functions\\n {2}\\+ a +done \\(status 200, 1 attempt\\)\\n {2}[+-] b +${outcome} \\(3 attempts, exhausted\\)\\n$`),
  )
})

test('the token comes from a file and is never shown', async () => {
  const { url, taken } = await eventSource(401, { title: 'A valid token is required', detail: 'no', fix: 'Send one.' })
  const cwd = folderOf({ token: 'canary-token-1,canary-token-2' })
  const sent = await run(['send', 't', '--events', url], { env: { events_token_file: `${cwd}/token` } })
  expect(taken[0]?.headers.authorization).toBe('Bearer canary-token-1')
  expect(sent).toMatchObject({
    code: 1,
    out: '',
    err: expect.stringMatching(/E_CLI_ANSWER .* answered 401: A valid token is required\. no[^]*fix +Send one\./),
  })
  expect(sent.err).not.toContain('canary')
})

test('a redirect is not followed', async () => {
  const { url, taken } = await eventSource(307, {})
  expect((await run(['send', 't', '--events', url])).code).toBe(1)
  expect(taken).toHaveLength(1)
})

test('nobody there: says so and what to check', async () => {
  const { code, out, err } = await run(['send', 't', '--data', '', '--events', 'http://127.0.0.1:1/'])
  expect([code, out]).toEqual([1, ''])
  expect(err).toMatch(/E_CLI_UNREACHABLE http:\/\/127\.0\.0\.1:1\/topics\/t cannot be reached: .*ECONNREFUSED[^]*--events/)
})

test.each([
  [['--events', 'nonsense']],
  [['--wait', 'soon']],
  [['--data', 'a', '--file', 'b']],
  [['--header', 'a b=c']],
  [['--file', 'nowhere']],
])('%j is wrong usage', async (flags) => {
  expect(await run(['send', 't', ...flags], { cwd: folderOf() })).toMatchObject({ code: 2, out: '' })
})
