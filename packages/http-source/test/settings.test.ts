import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fakeGateway } from '@millrace/sdk/testing'
import { expect, test } from 'vitest'
import { httpSettings, isOpenToAll } from '../src/settings.ts'
import { atEnd, guardTests, send, tempFolder, until } from './kit.ts'

guardTests()

/** The build: `npm test` makes it first. */
const program = fileURLToPath(new URL('../dist/main.js', import.meta.url))

const start = (env: Record<string, string>): { child: ReturnType<typeof spawn>; said: () => string } => {
  const child = spawn(process.execPath, [program], { env: { PATH: process.env['PATH'], ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (out += chunk.toString()))
  atEnd(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'close')
  })
  return { child, said: () => out }
}

test('tokens are a list without blanks; a short one is refused without being quoted', () => {
  const { eventsToken } = httpSettings.settings
  expect(eventsToken.parse('first-token,second-token==')).toMatchObject({ ok: true })
  for (const wrong of ['short', 'with blank in it', 'first-token,', ',first-token']) {
    expect(JSON.stringify(eventsToken.parse(wrong))).not.toContain(wrong)
    expect(eventsToken.parse(wrong).ok).toBe(false)
  }
})

test('an open address without a token is seen', () => {
  const config = { eventsToken: undefined } as Parameters<typeof isOpenToAll>[0]
  const hosts = ['127.0.0.1', '127.1.2.3', 'localhost', '::1', '0.0.0.0', '::', '10.0.0.1', '127.evil.example']
  expect(hosts.filter((eventsHost) => isOpenToAll({ ...config, eventsHost }))).toEqual(['0.0.0.0', '::', '10.0.0.1', '127.evil.example'])
})

test('a port in use is said with what to do, and the program ends', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const { child, said } = start({ events_port: String(port), state_dir: await tempFolder(), admin_host: '127.0.0.1', admin_port: '0' })
  const [code] = (await once(child, 'close')) as [number]
  other.close()
  expect(code).toBe(1)
  expect(said()).toContain(`E_HTTP_PORT_IN_USE`)
  expect(said()).toContain(`ss -ltnp sport = :${port}`)
})

test('the program: a token file that is exchanged, 401 before and 200 after, a clean end on SIGTERM, no token in any line', async () => {
  const folder = await tempFolder()
  const tokenFile = join(folder, 'token')
  await writeFile(tokenFile, 'first-canary\n')
  const gateway = await fakeGateway({ functions: { f: { annotations: { topic: '#' } } } })
  atEnd(() => gateway.close())
  const { child, said } = start({
    gateway_url: gateway.url,
    state_dir: join(folder, 'state'),
    events_port: '0',
    events_token_file: tokenFile,
    admin_host: '127.0.0.1',
    admin_port: '0',
  })
  await until('it takes events', () => said().includes('"takes events"') || child.exitCode !== null, 15_000)
  const url = /http:\/\/127\.0\.0\.1:\d+\/topics\//.exec(said())?.[0] ?? said()
  const post = async (token: string): Promise<number> =>
    (await send(`${url}t?wait=true`, 'x', { headers: [['authorization', `Bearer ${token}`]] })).status
  expect([await post('first-canary'), await post('other-canary')]).toEqual([200, 401])
  await writeFile(tokenFile, 'second-canary,third-canary')
  expect([await post('first-canary'), await post('third-canary')]).toEqual([401, 200])
  const admin = /"admin":"(http:[^"]+)"/.exec(said())?.[1] ?? said()
  const metrics = (await send(`${admin}/metrics`, '', { method: 'GET' })).text
  expect(metrics).toMatch(/^millrace_http_requests_total\{[^}]*status="200"[^}]*\} 2$/m)
  expect(metrics).toMatch(/^millrace_http_requests_total\{[^}]*status="401"[^}]*\} 2$/m)
  expect(metrics).toMatch(/^millrace_http_waiting_clients(?:\{[^}]*\})? 0$/m)
  child.kill('SIGTERM')
  expect(await once(child, 'close')).toEqual([0, null])
  expect(said()).not.toContain('canary')
})
