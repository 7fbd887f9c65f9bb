import { expect, test } from 'vitest'
import { silentLogger } from '../../src/index.ts'
import { coreSettings } from '../../src/runtime/config/core-settings.ts'
import { loadConfig } from '../../src/runtime/config/load-config.ts'
import { startHost } from '../../src/runtime/host.ts'
import { memoryLog } from '../../src/testing/memory-log.ts'
import { memorySource } from '../../src/testing/memory-source.ts'
import { memoryFiles } from './config/memory-files.ts'

const rows = {
  millrace_test_total: { type: 'counter', help: 'X.', labels: [], also: [{ of: 'pro', name: 'test_connector_total' }] },
} as const

const scrape = async (env: Readonly<Record<string, string>>): Promise<string> => {
  const admin = { admin_host: '127.0.0.1', admin_port: '0' }
  const { values } = await loadConfig({ core: coreSettings }, { argv: [], env: { ...admin, ...env }, files: memoryFiles() })
  const sources = [memorySource(memoryLog())]
  const host = await startHost({ config: values.core, describedConfig: {}, sources, logger: silentLogger, metrics: rows })
  try {
    const response = await fetch(`${host.adminUrl}/metrics`, { headers: { connection: 'close' } })
    return await response.text()
  } finally {
    await host.stop()
  }
}

test('what the process takes is on /metrics: its memory, and of that what the heap has in use', async () => {
  const text = await scrape({})
  const [resident, heap] = ['resident_memory', 'heap_used'].map((what) =>
    Number(new RegExp(`^millrace_process_${what}_bytes (\\S+)$`, 'm').exec(text)?.[1]),
  )
  expect(heap).toBeGreaterThan(1_000_000)
  expect(heap).toBeLessThan(resident ?? 0)
})

test('metrics_compat=pro shows the names of the Pro connector on /metrics; without it they are not there', async () => {
  const [own, both] = [await scrape({}), await scrape({ metrics_compat: 'pro' })]
  for (const text of [own, both]) expect(text).toContain('\nmillrace_test_total 0\n')
  expect(both).toContain('\ntest_connector_total 0\n')
  expect(own).not.toContain('test_connector_total')
})
