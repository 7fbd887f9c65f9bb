import { expect, test } from 'vitest'
import { coreSettings } from '../../../src/runtime/config/core-settings.ts'
import { loadConfig } from '../../../src/runtime/config/load-config.ts'
import { exitCodeConfig } from '../../../src/runtime/config/problem.ts'
import type { ConfigProblem } from '../../../src/runtime/config/problem.ts'
import { configErrorOf, memoryFiles } from './memory-files.ts'

const canary = 'canary-91c7'

interface Case {
  readonly argv?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly files?: Readonly<Record<string, string>>
}

const problemsOf = async ({ argv = [], env = {}, files = {} }: Case): Promise<readonly ConfigProblem[]> =>
  (await configErrorOf(loadConfig({ core: coreSettings }, { argv, env, files: memoryFiles(files) }))).problems

const yaml = (text: string): Case => ({ argv: ['--config', 'm.yaml'], files: { 'm.yaml': text } })

const table: readonly (readonly [string, Case, Partial<ConfigProblem>])[] = [
  [
    'a bare number as a duration',
    { env: { upstream_timeout: '30' } },
    {
      name: 'upstream_timeout',
      value: '"30"',
      origin: 'env upstream_timeout',
      reason: 'the unit is missing',
      example: 'upstream_timeout=30s',
    },
  ],
  ['S14 a bad gateway URL', { env: { GATEWAY_URL: 'gateway' } }, { name: 'gateway_url', value: '"gateway"', origin: 'env GATEWAY_URL' }],
  ['a gateway URL that the client would refuse', { env: { gateway_url: 'http://g/a%' } }, { name: 'gateway_url' }],
  ['a token in the gateway URL', { env: { gateway_url: `http://g?token=${canary}` } }, { name: 'gateway_url', value: '[hidden]' }],
  ['userinfo in the gateway URL', { env: { gateway_url: `http://u:${canary}@g` } }, { name: 'gateway_url', value: '[hidden]' }],
  [
    'a word for a boolean',
    { argv: ['--basic-auth=yes'] },
    { name: 'basic_auth', value: '"yes"', origin: 'flag --basic-auth', allowed: 'true, 1, false or 0' },
  ],
  ['a wrong value in the file', yaml('debug: false\nmax_inflight: many\n'), { name: 'max_inflight', value: '"many"', origin: 'm.yaml:2' }],
  ['an unknown name in the file', yaml(`gateway-ulr: ${canary}\n`), { name: 'gateway-ulr', origin: 'm.yaml:1', suggestion: 'gateway_url' }],
  ['an unknown flag', { argv: ['--upstream-timout', canary] }, { name: '--upstream-timout', suggestion: '--upstream-timeout' }],
  ['an argument that is no flag', { argv: [canary] }, { name: 'argument 1' }],
  ['a flag without its value', { argv: ['--gateway-url'] }, { name: 'gateway_url', reason: 'the value is missing' }],
  [
    'a secret as a flag',
    { argv: ['--basic-auth-password', canary] },
    { name: 'basic_auth_password', origin: 'flag --basic-auth-password' },
  ],
  ['a mistyped flag of a secret', { argv: ['--basic-auth-pasword', canary] }, { name: '--basic-auth-pasword' }],
  [
    'a secret and its file at once',
    { env: { basic_auth_password: canary, BASIC_AUTH_PASSWORD_FILE: '/x' }, files: { '/x': canary } },
    { name: 'basic_auth_password', origin: 'env basic_auth_password and env BASIC_AUTH_PASSWORD_FILE' },
  ],
  [
    'a file of a secret that is not there',
    { env: { basic_auth_password_file: '/nowhere' } },
    { name: 'basic_auth_password', origin: 'file /nowhere (env basic_auth_password_file)' },
  ],
  [
    'a secret with a line break in it',
    { env: { basic_auth_user: `${canary}\n${canary}` } },
    { name: 'basic_auth_user', value: '[hidden]' },
  ],
  ['basic_auth without a user', { env: { basic_auth: '1', basic_auth_password: canary } }, { name: 'basic_auth_user' }],
  ['a settings file that is not there', { env: { MILLRACE_CONFIG: 'gone.yaml' } }, { name: 'config', origin: 'gone.yaml' }],
  ['YAML that is broken', yaml(`a: [${canary}`), { name: 'config' }],
  ['YAML that is a list', yaml('- a\n'), { name: 'config', origin: 'm.yaml:1' }],
  ['YAML with one name twice', yaml('debug: true\ndebug: false\n'), { name: 'config', origin: 'm.yaml:2' }],
  ['a mapping for a value', yaml('debug:\n  a: b\n'), { name: 'config', origin: 'm.yaml:1' }],
  [
    'least wait above the longest',
    { env: { retry_min_wait: '2m', retry_max_wait: '1m' } },
    { name: 'retry_min_wait', value: '"2m"', origin: 'env retry_min_wait' },
  ],
  [
    'a client certificate without its key',
    { env: { gateway_tls_cert_file: '/c' }, files: { '/c': '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----' } },
    { name: 'gateway_tls_cert' },
  ],
  ['a key that is not PEM', { env: { gateway_tls_key: canary } }, { name: 'gateway_tls_key', value: '[hidden]' }],
  [
    'a namespace that no cluster has',
    { env: { namespaces: 'a,B_' } },
    { name: 'namespaces', reason: 'item 2 does not have the expected form' },
  ],
  [
    'control characters in a value (T42)',
    { env: { log_encoding: 'a\u001B[31m\nb' } },
    { name: 'log_encoding', value: JSON.stringify('a\\u{1b}[31m\\u{a}b') },
  ],
]

test.each(table)('%s is reported with its place', async (_what, input, expected) => {
  const problems = await problemsOf(input)
  expect(problems).toHaveLength(1)
  expect(problems[0]).toMatchObject(expected)
})

test.each(table)('T39 %s: no secret and no stray argument in the report', async (_what, { argv = [], env = {}, files = {} }) => {
  const error = await configErrorOf(loadConfig({ core: coreSettings }, { argv, env, files: memoryFiles(files) }))
  expect(`${error.explain()}\n${error.stack}\n${JSON.stringify(error)}\n${JSON.stringify(error.problems)}`).not.toContain(canary)
})

test('everything that is wrong is reported at once, each with value, origin, allowed and example', async () => {
  const error = await configErrorOf(
    loadConfig(
      { core: coreSettings },
      {
        argv: ['--config', 'm.yaml', '--admin-port', '99999', '--nonsense'],
        env: { upstream_timeout: '30', BASIC_AUTH: 'maybe' },
        files: memoryFiles({ 'm.yaml': 'unmatched: explode\nmystery: 1\n' }),
      },
    ),
  )
  expect(error.problems.map((problem) => problem.name).toSorted()).toEqual([
    '--nonsense',
    'admin_port',
    'basic_auth',
    'mystery',
    'unmatched',
    'upstream_timeout',
  ])
  const text = error.explain()
  expect(text).toContain('E_CONFIG_INVALID The configuration has 6 mistake(s)')
  expect(text).toContain(
    'admin_port: it is out of range\n    value   "99999"\n    from    flag --admin-port\n    allowed a whole number from 0 to 65535\n    example admin_port=9090',
  )
  expect(exitCodeConfig).toBe(2)
})

test('T42 a hostile settings file gives bounded lines without control characters', async () => {
  const text = Array.from({ length: 500 }, (_, index) => `"k${index}\\u001B[2J\\n${'x'.repeat(200)}": 1`).join('\n')
  const error = await configErrorOf(
    loadConfig({ core: coreSettings }, { argv: ['--config', 'm.yaml'], env: {}, files: memoryFiles({ 'm.yaml': text }) }),
  )
  expect(error.problems).toHaveLength(500)
  expect(error.message.length).toBeLessThan(2000)
  expect(error.message).toContain('...')
  // oxlint-disable-next-line no-control-regex
  expect(error.explain().replaceAll('\n', '')).not.toMatch(/[\u0000-\u001F]/)
  expect(error.problems.every((problem) => problem.name.length <= 64)).toBe(true)
})
