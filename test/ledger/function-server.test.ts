import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { scratchFolder, type ScratchFolder } from '../processes/reaper.ts'
import { callsOf, type Call } from './calls.ts'
import { startFunctionProcess } from './function-process.ts'
import { startFunctionServer, type FunctionServer } from './function-server.ts'
import { readRecords, type InvocationRecord } from './records.ts'

let folder: ScratchFolder
let path: string
let server: FunctionServer

beforeEach(async () => {
  folder = scratchFolder('functions')
  path = join(folder.path, 'invocations')
  server = await startFunctionServer({ path })
})
afterEach(async () => {
  await server.close()
  folder.remove()
})

const calls = (): readonly Call[] => callsOf(readRecords<InvocationRecord>(path))

const call = (
  id: string,
  { attempt = 1, url = server.url, signal }: { attempt?: number; url?: string; signal?: AbortSignal } = {},
): Promise<Response> =>
  fetch(`${url}/function/f`, {
    method: 'POST',
    body: JSON.stringify({ id, key: 'k', sequence: 4 }),
    headers: { 'x-delivery-attempt': String(attempt), connection: 'close' },
    ...(signal !== undefined && { signal }),
  })

test('notes who was called, with what, and how it ended', async () => {
  expect((await call('a', { attempt: 3 })).status).toBe(200)
  expect(calls()).toMatchObject([{ function: 'f', id: 'a', key: 'k', sequence: 4, attempt: 3, status: 200, success: true }])
})

test('answers by rules: a status for the first attempts, of one key, once', async () => {
  await server.setBehaviour([
    { id: 'a', attemptUpTo: 2, status: 503, headers: { 'retry-after': '1' } },
    { id: 'b', times: 1, status: 400, body: 'no' },
  ])
  const answer = await call('a', { attempt: 1 })
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
  expect((await call('a', { attempt: 2 })).status).toBe(503)
  expect((await call('a', { attempt: 3 })).status).toBe(200)
  expect(await (await call('b')).text()).toBe('no')
  expect((await call('b')).status).toBe(200)
})

test('takes its time when told so, and runs calls beside each other', async () => {
  await server.setBehaviour([{ delayMs: 100 }])
  const start = performance.now()
  await Promise.all([call('a'), call('b')])
  expect(performance.now() - start).toBeGreaterThanOrEqual(95)
  const [one, other] = calls()
  expect(other?.begin).toBeLessThan(one?.end ?? 0)
})

test('a caller that leaves ends the invocation there, without success', async () => {
  await server.setBehaviour([{ hang: true }])
  await expect(call('a', { signal: AbortSignal.timeout(50) })).rejects.toThrow('timeout')
  await expect.poll(() => calls()[0]?.end, { timeout: 5000 }).toBeLessThan(Infinity)
  expect(calls()).toMatchObject([{ id: 'a', status: 0, success: false }])
})

test('cuts the connection when told so', async () => {
  await server.setBehaviour([{ reset: true }])
  await expect(call('a')).rejects.toThrow('fetch failed')
  expect(calls()).toMatchObject([{ id: 'a', status: 0, success: false }])
})

test('is a gateway to a connector', async () => {
  await server.setFunctions([{ name: 'f', annotations: { topic: 'orders' } }])
  const listed: unknown = await (await fetch(`${server.url}/system/functions`, { headers: { connection: 'close' } })).json()
  expect(listed).toMatchObject([{ name: 'f', annotations: { topic: 'orders' } }])
  expect((await fetch(`${server.url}/nothing`, { headers: { connection: 'close' } })).status).toBe(404)
})

test(
  'in a process of its own: survives nothing of ours, is told what to do, and what it noted outlives a kill -9',
  { timeout: 60_000 },
  async () => {
    const own = join(folder.path, 'own')
    const functions = await startFunctionProcess({ path: own, functions: [{ name: 'f' }] })
    expect(functions.pid).not.toBe(process.pid)
    await functions.setBehaviour([{ id: 'b', hang: true }])
    expect((await call('a', { url: functions.url })).status).toBe(200)
    const hanging = call('b', { url: functions.url }).catch(() => undefined)
    await expect.poll(() => readRecords<InvocationRecord>(own).length, { timeout: 5000 }).toBe(4)
    await functions.kill9()
    await hanging
    expect(callsOf(readRecords<InvocationRecord>(own))).toMatchObject([
      { id: 'a', success: true },
      { id: 'b', success: false, end: Infinity },
    ])
  },
)
