import { join } from 'node:path'
import { startDevGateway } from '@millrace/dev-gateway'
import { expect, test } from 'vitest'
import { folderOf, later, provider, run } from './kit.ts'

interface Explanation {
  readonly matches: readonly { function: string; via: string }[]
  readonly nearMisses: readonly { function: string; code: string }[]
}

const files = {
  'stack.yaml': `${provider}functions:
  exact: { handler: ./f, annotations: { topic: orders.created } }
  wild: { handler: ./f, annotations: { topic: "orders.#" } }
  typo: { handler: ./f, annotations: { topic: Orders.created } }
  picky: { handler: ./f, annotations: { topic: orders.created, com.openfaas.connector.filter: 'header:x-region=eu; $.total=5' } }
`,
  'f/handler.js': 'module.exports = async () => 1',
}

test('says who gets a topic and who nearly does', async () => {
  const cwd = folderOf(files)
  const { code, out, json } = await run(['explain', 'orders.created', '--json'], { cwd })
  expect(code, out).toBe(0)
  expect(json<Explanation>().matches.map((match) => `${match.function} ${match.via}`)).toEqual([
    'exact orders.created',
    'picky orders.created',
    'wild orders.#',
  ])
  expect(json<Explanation>().nearMisses).toEqual([expect.objectContaining({ function: 'typo', code: 'case' })])
})

test('asks filters when it is given an event', async () => {
  const cwd = folderOf({ ...files, 'event.json': '{"total":5}' })
  const matchesOf = async (...flags: string[]): Promise<string[]> =>
    (await run(['explain', 'orders.created', '--json', ...flags], { cwd })).json<Explanation>().matches.map((match) => match.function)
  expect(await matchesOf('--header', 'x-region=eu', '--data', 'event.json')).toEqual(['exact', 'picky', 'wild'])
  expect(await matchesOf('--header', 'x-region=us', '--data', 'event.json')).toEqual(['exact', 'wild'])
})

test('ends with 1 when nobody gets it, and says so to a person', async () => {
  const { code, out } = await run(['explain', 'nobody'], { cwd: folderOf(files) })
  expect([code, out]).toEqual([1, 'No function gets nobody.\n'])
})

test('T42 a topic cannot forge a line', async () => {
  const { out } = await run(['explain', 'a\n  + forged\u001B[31m'], { cwd: folderOf(files) })
  expect(out.split('\n')).toHaveLength(2)
  expect(out).not.toContain('\u001B')
})

test('reads the functions of a gateway, with its credentials', async () => {
  const cwd = folderOf({ ...files, 'secrets/basic-auth-user': 'admin', 'secrets/basic-auth-password': 'secret-canary' })
  const gateway = await startDevGateway({
    stack: join(cwd, 'stack.yaml'),
    watch: false,
    basicAuth: { user: 'admin', password: 'secret-canary' },
  })
  later(() => gateway.close())
  const args = ['explain', 'orders.created', '--gateway', gateway.url, '--json']
  const { code, err, json } = await run(args, { cwd, env: { basic_auth: 'true', secret_mount_path: join(cwd, 'secrets') } })
  expect(code, err).toBe(0)
  expect(json<Explanation>().matches.map((match) => match.function)).toEqual(['exact.openfaas-fn', 'picky.openfaas-fn', 'wild.openfaas-fn'])
  const denied = await run(args, { cwd })
  expect(denied).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/E_CLI_UNREACHABLE[^]*401/) })
})

test('takes one place to ask, and only headers that are headers', async () => {
  const cwd = folderOf(files)
  for (const wrong of [
    ['--stack', 'stack.yaml', '--gateway', 'http://127.0.0.1:1'],
    ['--admin', 'ftp://127.0.0.1'],
    ['--admin', 'http://127.0.0.1:1', '--header', 'a=b'],
    ['--header', 'no header'],
    ['--data', 'nowhere.json'],
  ])
    expect(await run(['explain', 'orders.created', ...wrong], { cwd }), wrong.join(' ')).toMatchObject({ code: 2, out: '' })
})
