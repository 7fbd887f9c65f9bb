import { expect, test } from 'vitest'
import { coreSettings } from '../../../src/runtime/config/core-settings.ts'
import { loadConfig } from '../../../src/runtime/config/load-config.ts'
import type { AnySetting } from '../../../src/runtime/config/setting-index.ts'
import { memoryFiles } from './memory-files.ts'

const settings: readonly AnySetting[] = Object.values(coreSettings.settings)

test.each(settings.map((setting) => [setting.name, setting] as const))('%s: name, default, example and text are right', (name, setting) => {
  expect(name).toMatch(/^[a-z]+(?:_[a-z]+)*$/)
  expect(setting.describe).toMatch(/\.$/)
  if (setting.default !== undefined) expect(setting.parse(setting.default).ok).toBe(true)
  if (!setting.fileForm) expect(setting.parse(setting.example)).toMatchObject({ ok: true })
})

test('two components with one name are a fault of the program', async () => {
  const twice = loadConfig({ a: coreSettings, b: coreSettings }, { argv: [], env: {}, files: memoryFiles() })
  await expect(twice).rejects.toThrow('E_INTERNAL_STATE two settings have the name gateway_url')
})
