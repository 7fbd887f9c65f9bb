import { execFileSync } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { fakeGateway } from '@millrace/sdk/testing'
import { expect, test, vi } from 'vitest'
import { makeCertificates } from '../../packages/sdk/test/ports/gateway/certificates.ts'
import { startHttp } from './kit/connector.ts'
import { atEnd, guardTests, tempFolder, until } from './kit/scope.ts'

guardTests()
vi.setConfig({ testTimeout: 60_000 })

const password = 'canary-password-7f3a9c21'
const token = 'canary-token-51be02d7'
const wrongToken = 'canary-wrong-token-88aa'
const cookie = 'canary-cookie-0c9d'
const payload = 'canary-payload-e41f66'
const headerValue = 'canary-header-3b77'
const replyBody = 'canary-reply-9d02'

/** The forms in which a secret may hide. */
const formsOf = (secret: string): string[] => {
  const bytes = Buffer.from(secret)
  return [secret, bytes.toString('base64').replace(/=+$/, ''), bytes.toString('hex'), encodeURIComponent(secret)]
}

const hits = (where: Readonly<Record<string, string>>, secrets: readonly string[]): string[] =>
  Object.entries(where).flatMap(([place, text]) =>
    secrets.filter((secret) => text.includes(secret)).map((secret) => `${secret} in ${place}`),
  )

/** Files of a folder, by name, as text of one byte a character. */
const filesIn = async (folder: string): Promise<Record<string, string>> => {
  const found: Record<string, string> = {}
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile()) found[path] = await readFile(path, 'latin1')
  }
  return found
}

/** TLS with a client's certificate in front of a plain port. */
const tlsFront = async (port: number, tls: { cert: string; key: string; ca: string }): Promise<string> => {
  const sockets = new Set<Socket>()
  const server = createTlsServer({ ...tls, requestCert: true, rejectUnauthorized: true }, (socket) => {
    const plain = connect(port, '127.0.0.1')
    for (const one of [socket, plain]) {
      sockets.add(one)
      one.on('error', () => undefined)
      one.once('close', () => void [socket.destroy(), plain.destroy(), sockets.delete(one)])
    }
    socket.pipe(plain).pipe(socket)
  })
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  atEnd(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('T39 N1 R7 a run with canaries as password, token, key, cookie and payload: no hit in logs, pages, problems, metrics or files', async () => {
  const certificates = makeCertificates()
  const keyLines = certificates.client.key.split('\n').filter((line) => line.length > 20 && !line.startsWith('-----'))
  const gateway = await fakeGateway({
    functions: {
      fine: { annotations: { topic: 'fine' }, handler: () => replyBody },
      bad: { annotations: { topic: 'bad' }, handler: () => ({ status: 422, body: replyBody }) },
      flaky: { annotations: { topic: 'flaky' } },
    },
    basicAuth: { user: 'admin', password },
  })
  atEnd(() => gateway.close())
  gateway.faults.add({
    match: { function: 'flaky', attempt: [1, 2] },
    then: { status: 500, headers: { 'X-Reply': replyBody }, body: replyBody },
  })
  const url = await tlsFront(gateway.port, { ...certificates.good, ca: certificates.ca })
  const secrets = join(tempFolder(), 'secrets')
  await mkdir(secrets)
  const write = async (name: string, text: string): Promise<string> => {
    await writeFile(join(secrets, name), text)
    return join(secrets, name)
  }
  await write('basic-auth-user', 'admin')
  await write('basic-auth-password', password)
  const env = {
    basic_auth: 'true',
    secret_mount_path: secrets,
    gateway_tls_ca_file: await write('ca.pem', certificates.ca),
    gateway_tls_cert_file: await write('client.pem', certificates.client.cert),
    gateway_tls_key_file: await write('client.key', certificates.client.key),
    events_token: token,
    debug: 'true',
    print_response: 'true',
    print_response_body: 'true',
    print_request_body: 'true',
    print_sync: 'true',
  }
  const connector = await startHttp({ gatewayUrl: url, env })
  await connector.ready()

  const publish = (topic: string, bearer = token): ReturnType<typeof connector.publish> =>
    connector.publish(topic, payload, { rawHeaders: ['Authorization', `Bearer ${bearer}`, 'Cookie', cookie, 'X-Data', headerValue] })
  expect((await publish('fine?wait=true')).json()['results']).toMatchObject([{ outcome: 'done' }])
  expect((await publish('bad?wait=true')).json()['results']).toMatchObject([{ outcome: 'dead-lettered' }])
  expect((await publish('flaky?wait=true')).json()['results']).toMatchObject([{ outcome: 'done', attempts: 3 }])
  expect((await publish('fine')).status).toBe(202)
  const problems = [
    await publish('fine', wrongToken),
    await publish('fine?wat=1'),
    await publish('%00'),
    await connector.publish('fine', payload),
  ]
  expect(problems.map(({ status }) => status)).toEqual([401, 400, 400, 401])
  // What goes wrong is where secrets slip out.
  await writeFile(join(secrets, 'basic-auth-password'), `${password}-not`)
  const refused = (): Promise<number> => connector.metric('millrace_discovery_failures_total', { code: 'E_GATEWAY_AUTH' })
  await until('the password is refused', refused, (count) => count > 0)
  gateway.listFaults.set('hang')
  await connector.settled()

  const pages: Record<string, string> = {}
  for (const path of ['/metrics', '/config', '/readyz', '/livez', '/startupz', '/explain?topic=fine', '/nothing']) {
    pages[path] = (await connector.admin(path)).text
  }
  for (const [index, problem] of problems.entries()) pages[`problem ${index}`] = problem.text + JSON.stringify(problem.headers)
  expect(await connector.stop()).toEqual({ code: 0, signal: null })
  const main = fileURLToPath(new URL('../../packages/http-source/dist/main.js', import.meta.url))
  const settings = { PATH: process.env['PATH'], gateway_url: url, ...env }
  pages['--print-config'] = execFileSync(process.execPath, [main, '--print-config'], { env: settings, encoding: 'utf8' })
  pages['the log'] = connector.output()
  expect(pages['the log']).toContain('refused')
  expect(pages['/config']).toContain('[redacted]')

  const hidden = [password, token, wrongToken, cookie].flatMap(formsOf)
  const basic = Buffer.from(`admin:${password}`).toString('base64')
  const secretForms = [...hidden, basic, ...keyLines]
  expect(keyLines.length).toBeGreaterThan(1)
  expect(hits(pages, [...secretForms, ...[payload, headerValue, replyBody].flatMap(formsOf)])).toEqual([])
  // Events are kept, secrets are not: the token and the cookie of a request are none of its event.
  const files = await filesIn(connector.folder)
  expect(hits(files, secretForms)).toEqual([])
  expect(hits(files, formsOf(payload)).length).toBeGreaterThan(0)
  expect(hits(files, formsOf(replyBody))).toEqual([])
  for (const request of gateway.requests) {
    const sent = JSON.stringify(request.headers)
    expect(hits({ [request.function]: sent }, secretForms)).toEqual([])
    expect(request.text()).toBe(payload)
  }
})

test('T16 T38 a gateway with another certificate, and one that redirects https to http: refused, nothing is sent in the clear', async () => {
  const certificates = makeCertificates()
  const heard: string[] = []
  const plain = createTcpServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => void heard.push(chunk.toString('latin1')))
  })
  await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve))
  atEnd(() => new Promise((resolve) => plain.close(resolve)))
  const gateway = await fakeGateway({ functions: { fine: { annotations: { topic: 'fine' } } }, basicAuth: { user: 'admin', password } })
  atEnd(() => gateway.close())
  const secrets = tempFolder()
  await writeFile(join(secrets, 'basic-auth-user'), 'admin')
  await writeFile(join(secrets, 'basic-auth-password'), password)
  await writeFile(join(secrets, 'ca.pem'), certificates.ca)
  await writeFile(join(secrets, 'client.pem'), certificates.client.cert)
  await writeFile(join(secrets, 'client.key'), certificates.client.key)
  const env = {
    basic_auth: 'true',
    secret_mount_path: secrets,
    gateway_tls_ca_file: join(secrets, 'ca.pem'),
    gateway_tls_cert_file: join(secrets, 'client.pem'),
    gateway_tls_key_file: join(secrets, 'client.key'),
  }
  const wrong = await startHttp({ gatewayUrl: await tlsFront(gateway.port, { ...certificates.wrongName, ca: certificates.ca }), env })
  const refused = (): Promise<number> => wrong.metric('millrace_discovery_failures_total', { code: 'E_GATEWAY_TLS' })
  await until('the wrong name is refused', refused, (count) => count > 0)
  expect(gateway.systemRequests).toEqual([])
  expect((await wrong.admin('/readyz')).status).toBe(503)
  await wrong.stop()

  const Location = `http://127.0.0.1:${(plain.address() as AddressInfo).port}/system/functions`
  gateway.faults.add({ match: { path: '/system/*' }, then: { status: 308, headers: { Location } } })
  const moved = await startHttp({ gatewayUrl: await tlsFront(gateway.port, { ...certificates.good, ca: certificates.ca }), env })
  await until(
    'the redirect is a failure',
    () => moved.metric('millrace_discovery_failures_total', { code: 'E_GATEWAY_STATUS' }),
    (count) => count > 0,
  )
  expect(heard).toEqual([])
  expect(await moved.stop()).toEqual({ code: 0, signal: null })
})
