import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startFunctionServer, type FunctionServer } from '../ledger/function-server.ts'
import { startConnector, type ConnectorProgram } from './connector.ts'
import { killAtRandomPoints, type KillPoint } from './kill-points.ts'
import { isAlive } from './is-alive.ts'
import { scratchFolder, type ScratchFolder } from './reaper.ts'
import { seededRandom } from './seeded-random.ts'

// Any connector would do; this one needs no broker.
const main = fileURLToPath(new URL('../../packages/cron-connector/dist/main.js', import.meta.url))

let folder: ScratchFolder
let functions: FunctionServer
let program: ConnectorProgram

beforeAll(async () => {
  if (!existsSync(main)) throw new Error('run the build first: npx pnpm@12.21.0 run build')
  folder = scratchFolder('connector')
  functions = await startFunctionServer({ path: join(folder.path, 'invocations'), functions: [{ name: 'f', annotations: { topic: 'a' } }] })
  program = { main, env: { gateway_url: functions.url, basic_auth: 'false' } }
})

afterAll(async () => {
  await functions.close()
  folder.remove()
})

test('starts a connector, waits for it, reads its pages, and stops it with exit code 0', { timeout: 60_000 }, async () => {
  const connector = await startConnector(program)
  await connector.ready()
  expect((await connector.get('/livez')).status).toBe(200)
  expect((await connector.metrics()).sum('millrace_lifecycle_state', { state: 'running' })).toBe(1)
  expect(connector.logs().some((line) => line.msg === 'listening')).toBe(true)
  expect(await connector.stop()).toEqual({ code: 0, signal: null })
  expect(connector.running).toBe(false)
})

test('kills it with -9, and it is gone', { timeout: 60_000 }, async () => {
  const connector = await startConnector(program)
  expect(await connector.kill9()).toEqual({ code: null, signal: 'SIGKILL' })
  expect(isAlive(connector.pid)).toBe(false)
})

test('says why one does not start', { timeout: 60_000 }, async () => {
  const wrong = { ...program, env: { ...program.env, upstream_timeout: 'soon' } }
  await expect(startConnector(wrong)).rejects.toThrow(/ended \(2\)[^]*upstream_timeout/)
})

test('says why one is not ready', { timeout: 60_000 }, async () => {
  await using connector = await startConnector({ ...program, env: { gateway_url: 'http://127.0.0.1:1' } })
  await expect(connector.ready(500)).rejects.toThrow(/in vain for the connector to be ready; \/readyz: 503 .*reasons/)
})

test('kills it at random points and gives it back running', { timeout: 60_000 }, async () => {
  const points: KillPoint[] = []
  const onKilled = (point: KillPoint): void => void points.push(point)
  await using connector = await killAtRandomPoints(program, { kills: 3, afterMs: [0, 400], random: seededRandom(7), onKilled })
  expect(points.map(({ index }) => index)).toEqual([0, 1, 2])
  expect(new Set(points.map(({ afterMs }) => afterMs)).size).toBe(3)
  await connector.ready()
})
