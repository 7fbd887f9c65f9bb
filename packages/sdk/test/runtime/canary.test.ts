import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { metricsTable } from '../../src/ports/metrics/metrics-table.ts'
import { createMetrics } from '../../src/ports/metrics/registry.ts'
import { createLogger } from '../../src/ports/logging/pino-logger.ts'
import { createAdminServer } from '../../src/runtime/admin/admin-server.ts'
import { coreSettings, gatewayCredentials } from '../../src/runtime/config/core-settings.ts'
import { loadConfig } from '../../src/runtime/config/load-config.ts'
import { describeConfig, printConfig } from '../../src/runtime/config/print-config.ts'
import { memoryFiles } from './config/memory-files.ts'

const canary = 'canary-d41d8c'
const key = `-----BEGIN PRIVATE KEY-----\n${canary}\n-----END PRIVATE KEY-----`
const certificate = '-----BEGIN CERTIFICATE-----\npublic\n-----END CERTIFICATE-----'

test('T39 canary secrets from every source show up in no log, page, metric, print-out or crash dump', async () => {
  const files = memoryFiles({
    'm.yaml': `basic_auth: true\nbasic_auth_user: ${canary}\n`,
    '/var/secrets/basic-auth-password': canary,
    '/c.pem': certificate,
  })
  const env = { gateway_tls_key: key, gateway_tls_cert_file: '/c.pem' }
  const config = await loadConfig({ core: coreSettings }, { argv: ['--config', 'm.yaml'], env, files })
  const credentials = await gatewayCredentials(config.values.core)?.()
  expect(credentials?.password.reveal()).toBe(canary)
  expect((await config.values.core.gatewayTlsKey?.read())?.reveal()).toBe(key)

  const seen: string[] = []
  const logger = createLogger({ level: 'trace', destination: { write: (line) => seen.push(line) } })
  logger.info('configuration', { config, password: credentials?.password, entries: config.entries })
  const metrics = createMetrics({ table: metricsTable })
  const admin = createAdminServer({
    host: '127.0.0.1',
    port: 0,
    logger,
    pages: {
      live: () => ({ ok: true, reasons: [] }),
      ready: () => ({ ok: true, reasons: [] }),
      started: () => ({ ok: true, reasons: [] }),
      metrics: async () => ({ contentType: metrics.contentType, text: await metrics.render() }),
      config: () => describeConfig(config),
      explain: (topic) => ({ topic, config }),
    },
  })
  const { url } = await admin.start()
  for (const path of ['/livez', '/readyz', '/startupz', '/metrics', '/config', '/explain?topic=t', '/nothing']) {
    seen.push(await (await fetch(url + path)).text())
  }
  await admin.close()
  seen.push(printConfig(config), inspect(config, { depth: 20, showHidden: true }), inspect(credentials?.password, { showHidden: true }))
  const all = seen.join('\n')
  expect(all).toContain('[redacted]')
  expect(all).not.toContain(canary)
  expect(all).not.toContain(Buffer.from(canary).toString('base64'))
})
