import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { folderOf, later, provider, run } from '../kit.ts'

const freePorts = ['--gateway-port', '0', '--events-port', '0', '--admin-port', '0']

const stackFolder = (): string =>
  folderOf({
    'stack.yaml': `${provider}functions:\n  f: { handler: ./f, annotations: { topic: a } }\n`,
    'f/handler.js': 'module.exports = async () => 1',
  })

test.each([
  ['--gateway-port', 'E_DEVGATEWAY_PORT_IN_USE'],
  ['--events-port', 'E_HTTP_PORT_IN_USE'],
  ['--admin-port', 'E_ADMIN_PORT_IN_USE'],
])('a port in use is named, with the flag %s that changes it', async (flag, errorCode) => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  later(() => server.close())
  const { port } = server.address() as AddressInfo
  const ports = freePorts.map((value, index) => (freePorts[index - 1] === flag ? String(port) : value))
  const { code, err, out } = await run(['dev', ...ports], { cwd: stackFolder() })
  expect(code).toBe(1)
  expect(err).toMatch(new RegExp(`^${errorCode} .*\\b${port}\\b[^]*${flag}`))
  expect(out).not.toContain('ready')
})

test('a stack file that cannot be used is named with its lines', async () => {
  const cwd = folderOf({ 'stack.yaml': `${provider}functions:\n  f:\n    handler: [1]\n` })
  expect(await run(['dev', ...freePorts], { cwd })).toMatchObject({
    code: 2,
    err: expect.stringMatching(/E_STACK_INVALID[^]*stack\.yaml:5: functions\.f\.handler/),
  })
})

test('a stack file that is not there is named', async () => {
  const wrong = await run(['dev', ...freePorts, '--stack', 'nowhere.yaml'], { cwd: folderOf() })
  expect(wrong).toMatchObject({ code: 2, err: expect.stringMatching(/E_CLI_STACK_ABSENT[^]*nowhere\.yaml/) })
})

test('settings that cannot be used are all named', async () => {
  const args = ['dev', '--gateway-port', '70000', '--retry-attempts', 'many', '--nonsense']
  const { code, err } = await run(args, { cwd: stackFolder(), env: { EVENTS_PORT: 'x' } })
  expect(code).toBe(2)
  for (const part of ['gateway_port', 'retry_attempts', '--nonsense', 'env EVENTS_PORT']) expect(err).toContain(part)
})

test('a data directory that cannot be used is named, and what is there stays', async () => {
  const cwd = stackFolder()
  const before = readFileSync(join(cwd, 'stack.yaml'), 'utf8')
  const { code, err } = await run(['dev', ...freePorts, '--data-dir', 'stack.yaml'], { cwd })
  expect([code, err]).toEqual([1, expect.stringMatching(/E_JOURNAL_IO[^]*stack\.yaml/)])
  expect(readFileSync(join(cwd, 'stack.yaml'), 'utf8')).toBe(before)
})

test('--print-config shows what would hold, with its origin, and starts nothing', async () => {
  const cwd = folderOf()
  const { code, out } = await run(['dev', '--print-config', '--host', '0.0.0.0', '--retry-attempts=3'], {
    cwd,
    env: { admin_port: '0', basic_auth_password: 'canary' },
  })
  expect(code).toBe(0)
  for (const line of [
    'events_port: 8081  # default',
    'admin_port: 0  # env admin_port',
    'admin_host: 0.0.0.0  # flag --admin-host',
    'retry_attempts: 3  # flag --retry-attempts',
    'rebuild_interval: 2s  # default',
    `state_dir: ${join(cwd, '.millrace')}  # data_dir`,
    `dead_letter_dir: ${join(cwd, '.millrace', 'dead-letters')}  # data_dir`,
  ])
    expect(out.split('\n')).toContain(line)
  expect(out).not.toContain('canary')
})
