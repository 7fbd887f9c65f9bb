import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { coreSettings, gatewayCredentials } from '../../../src/runtime/config/core-settings.ts'
import { loadConfig } from '../../../src/runtime/config/load-config.ts'
import { describeConfig, printConfig } from '../../../src/runtime/config/print-config.ts'
import { text } from '../../../src/runtime/config/schema.ts'
import { setting } from '../../../src/runtime/config/setting.ts'
import type { Component } from '../../../src/runtime/config/setting.ts'
import { memoryFiles } from './memory-files.ts'

const mounted = () => memoryFiles({ '/var/secrets/basic-auth-user': 'admin\n', '/var/secrets/basic-auth-password': 'canary-one\n' })

const load = (files: ReturnType<typeof memoryFiles>, env: Readonly<Record<string, string>> = {}) =>
  loadConfig({ core: coreSettings }, { argv: [], env: { basic_auth: 'true', ...env }, files })

const credentialsOf = async (config: Awaited<ReturnType<typeof load>>): Promise<readonly [string, string] | undefined> => {
  const current = await gatewayCredentials(config.values.core)?.()
  return current === undefined ? undefined : [current.user, current.password.reveal()]
}

test('mounted files are trimmed, and read again only when they change', async () => {
  const files = mounted()
  const config = await load(files)
  const credentials = gatewayCredentials(config.values.core)
  const read = files.reads
  expect((await credentials?.())?.password.reveal()).toBe('canary-one')
  await credentials?.()
  expect(files.reads).toBe(read)
  files.write('/var/secrets/basic-auth-password', 'canary-two\n')
  expect((await credentials?.())?.password.reveal()).toBe('canary-two')
  expect(files.reads).toBe(read + 1)
})

test('T15 in the middle of a rotation the last good value stays', async () => {
  const files = mounted()
  const config = await load(files)
  files.remove('/var/secrets/basic-auth-password')
  expect(await credentialsOf(config)).toEqual(['admin', 'canary-one'])
  files.write('/var/secrets/basic-auth-password', '  \n')
  expect(await credentialsOf(config)).toEqual(['admin', 'canary-one'])
  files.write('/var/secrets/basic-auth-password', 'canary-three')
  files.write('/var/secrets/basic-auth-password', 'canary-three')
  expect(await credentialsOf(config)).toEqual(['admin', 'canary-three'])
})

test('_FILE wins over the mounted file, and the value in the environment as well', async () => {
  const files = mounted()
  files.write('/run/password', 'from-file')
  expect(await credentialsOf(await load(files, { BASIC_AUTH_PASSWORD_FILE: '/run/password' }))).toEqual(['admin', 'from-file'])
  expect(await credentialsOf(await load(files, { basic_auth_user: 'root' }))).toEqual(['root', 'canary-one'])
})

test('the second default directory is looked at unless a path is set', async () => {
  const files = memoryFiles({ '/var/openfaas/secrets/basic-auth-user': 'u', '/var/openfaas/secrets/basic-auth-password': 'p' })
  expect(await credentialsOf(await load(files))).toEqual(['u', 'p'])
  await expect(load(files, { secret_mount_path: '/var/secrets' })).rejects.toThrow('E_CONFIG_INVALID')
})

test('without basic_auth there are no credentials, whatever is mounted', async () => {
  expect(await credentialsOf(await load(mounted(), { basic_auth: '0' }))).toBeUndefined()
})

test('T39 a loaded configuration never shows a secret, but says where it is', async () => {
  const config = await load(mounted(), { gateway_tls_key: '' })
  const printed = printConfig(config)
  const shown = [
    printed,
    JSON.stringify(describeConfig(config)),
    JSON.stringify(config),
    inspect(config, { depth: 20, showHidden: true }),
  ].join('\n')
  expect(shown).not.toContain('canary')
  expect(printed).toContain('# basic_auth_password: [redacted]  # file /var/secrets/basic-auth-password')
  expect(describeConfig(config)).toContainEqual({
    component: 'core',
    name: 'basic_auth_password',
    value: '[redacted]',
    origin: 'file /var/secrets/basic-auth-password',
  })
})

const broker: Component<{ readonly broker: string }> = {
  title: 'Broker',
  settings: {
    broker: setting({
      name: 'broker_url',
      type: text({ pattern: /^amqps?:/ }),
      default: 'amqp://broker',
      describe: 'The broker.',
      example: 'amqp://broker:5672',
      hide: (raw) => (String(raw).includes('@') ? String(raw).replace(/\/\/.*@/, '//[hidden]@') : undefined),
    }),
  },
}

const withBroker = (env: Readonly<Record<string, string>>, argv: readonly string[] = []) =>
  loadConfig({ broker }, { argv, env, files: memoryFiles() })

test('T39 a value with a secret in it is printed without it, in the configuration and in mistakes', async () => {
  const config = await withBroker({ broker_url: 'amqp://me:canary@broker' })
  expect(config.values.broker.broker).toBe('amqp://me:canary@broker')
  expect(printConfig(config)).toContain('broker_url: "amqp://[hidden]@broker"')
  expect(JSON.stringify(describeConfig(config))).not.toContain('canary')
  const wrong = await withBroker({ broker_url: 'http://me:canary@broker' }).catch((error: unknown) => inspect(error))
  expect(wrong).toContain('http://[hidden]@broker')
  expect(wrong).not.toContain('canary')
})

test('a value with a secret in it is never taken from a flag, and without one it is', async () => {
  expect((await withBroker({}, ['--broker-url', 'amqp://other'])).values.broker.broker).toBe('amqp://other')
  const wrong = await withBroker({}, ['--broker-url=amqp://me:canary@broker']).catch((error: unknown) => inspect(error))
  expect(wrong).toContain('a secret is never taken from a flag')
  expect(wrong).not.toContain('canary')
})
