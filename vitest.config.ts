import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { SlowestFirst } from './scripts/slowest-first.ts'

const source = (path: string): string => fileURLToPath(new URL(`packages/${path}`, import.meta.url))

/** Tests in one process read the sources, so no stale build can pass; tests that start processes use the build. */
const alias = [
  { find: '@millrace/sdk/testing/gateway', replacement: source('sdk/src/testing/gateway.ts') },
  { find: '@millrace/sdk/testing', replacement: source('sdk/src/testing/index.ts') },
  ...['sdk', 'cron-connector', 'http-source', 'kafka-connector', 'rabbitmq-connector', 'dev-gateway', 'cli'].map((name) => ({
    find: `@millrace/${name}`,
    replacement: source(`${name}/src/index.ts`),
  })),
]

/** Tests against real servers, and against programs with real deadlines: the only ones that may be tried again. */
const withServers: readonly string[] = [
  'test/{kafka,rabbitmq,servers}/**/*.test.ts',
  'test/e2e/**/*.test.ts',
  'test/ledger/over-*.test.ts',
  'packages/*/test/real/**/*.test.ts',
  'packages/cli/test/doctor.test.ts',
  'packages/cli/test/replay/{kafka,rabbitmq}.test.ts',
  'packages/sdk/test/{ports/state/redis-*,runtime/state-in-redis}.test.ts',
]

/**
 * Tests that share a process, since most of them take less time than a process takes to start. Their kits register no hooks of vitest when
 * they are loaded: that would be once for all files, and nothing would be cleared away after the first one.
 */
const inOneProcess: readonly string[] = [
  'packages/sdk/test/{core,testing,ports/{files,gateway,logging,metrics},runtime/{admin,config,connector}}/**/*.test.ts',
  'packages/{cron,kafka,rabbitmq}-connector/test/**/*.test.ts',
]

export default defineConfig({
  resolve: { alias },
  test: {
    // Servers that the whole run shares, started when the first test asks for one.
    globalSetup: ['test/servers/global-setup.ts'],
    // As many as the machine has cores: with more, three brokers that start at once take the time of everybody else's deadlines.
    maxWorkers: 2,
    sequence: { sequencer: SlowestFirst },
    testTimeout: 20_000,
    hookTimeout: 30_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'alone',
          include: ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts'],
          exclude: ['**/node_modules/**', ...inOneProcess, ...withServers],
        },
      },
      {
        extends: true,
        test: { name: 'together', include: [...inOneProcess], exclude: ['**/node_modules/**', ...withServers], isolate: false },
      },
      // A machine that stands still for a minute fails a test against real servers once; a fault fails it twice. The summary names each retry.
      { extends: true, test: { name: 'servers', include: [...withServers], retry: process.env['CI'] === undefined ? 0 : 1 } },
    ],
  },
})
