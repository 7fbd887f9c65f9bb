import { expect, test } from 'vitest'
import { coreSettings } from '../../../src/runtime/config/core-settings.ts'
import { helpText } from '../../../src/runtime/config/help-text.ts'
import { loadConfig } from '../../../src/runtime/config/load-config.ts'
import { printConfig } from '../../../src/runtime/config/print-config.ts'
import { memoryFiles } from './memory-files.ts'

const load = (argv: readonly string[], env: Readonly<Record<string, string>>, files: Readonly<Record<string, string>> = {}) =>
  loadConfig({ core: coreSettings }, { argv, env, files: memoryFiles(files) })

test('what is printed is a settings file that gives the same values', async () => {
  const env = {
    gateway_url: 'https://g.example/faas',
    namespaces: 'a,b',
    content_type: 'application/json; charset=utf-8',
    debug: '1',
    admin_host: '::1',
  }
  const first = await load([], env)
  const second = await load(['--config', 'printed.yaml'], {}, { 'printed.yaml': printConfig(first) })
  expect(second.values).toEqual(first.values)
  expect(printConfig(first)).toContain('gateway_url: https://g.example/faas  # env gateway_url\n')
})

test('help names every setting, its default and its flag', () => {
  const help = helpText({ usage: 'x [flags]', components: { core: coreSettings } })
  for (const setting of Object.values(coreSettings.settings)) expect(help).toContain(`env ${setting.name})`)
  expect(help).toContain('--gateway-url URL\n')
  expect(help).toContain('--basic-auth-password-file PATH\n')
  expect(help).not.toMatch(/--basic-auth-password [^-]/)
})
