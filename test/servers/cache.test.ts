import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { scratchFolder, type ScratchFolder } from '../processes/reaper.ts'
import { startChild } from '../processes/child.ts'
import { cacheFolder, cached } from './cache.ts'
import { kafkaJars } from './kafka/artifacts.ts'
import { runTool } from './tools.ts'
import { toxiproxyProgram } from './toxiproxy.ts'

let folder: ScratchFolder

beforeEach(() => {
  folder = scratchFolder('cache')
  vi.stubEnv('XDG_CACHE_HOME', folder.path)
})
afterEach(() => {
  vi.unstubAllEnvs()
  folder.remove()
})

const put = (text: string) => async (target: string) => writeFileSync(join(target, 'content'), text)

test('a folder is filled once, and by one of those who ask at the same time', async () => {
  let fills = 0
  const fill = async (target: string): Promise<void> => {
    fills++
    await put('x')(target)
  }
  const paths = await Promise.all([cached('a', fill), cached('a', fill), cached('a', fill)])
  expect(new Set(paths).size).toBe(1)
  expect(fills).toBe(1)
  expect(readFileSync(join(paths[0] ?? '', 'content'), 'utf8')).toBe('x')
})

test('a failure leaves nothing behind, and the next one tries again', async () => {
  const fail = async (target: string): Promise<void> => {
    await put('half')(target)
    throw new Error('cut off')
  }
  await expect(cached('a', fail)).rejects.toThrow('cut off')
  expect(readdirSync(cacheFolder())).toEqual([])
  expect(existsSync(await cached('a', put('x')))).toBe(true)
})

test('the lock of a process that is gone holds nobody up; that of a living one does, for its time', async () => {
  const gone = await startChild({ command: process.execPath, args: ['-e', ''] })
  await gone.exited
  await cached('first', put('x'))
  writeFileSync(join(cacheFolder(), 'a.lock'), String(gone.pid))
  expect(existsSync(await cached('a', put('x')))).toBe(true)
  writeFileSync(join(cacheFolder(), 'b.lock'), String(process.pid))
  await expect(cached('b', put('x'), { waitMs: 50 })).rejects.toMatchObject({ code: 'E_TESTBED_LOCK' })
})

test('a program that is not there is an error that says how to get it', async () => {
  vi.stubEnv('PATH', '')
  await expect(runTool('mvn', ['--version'])).rejects.toThrow(/E_TESTBED_TOOL mvn is needed[^]*apt-get install maven/)
  await expect(kafkaJars()).rejects.toMatchObject({ code: 'E_TESTBED_TOOL', context: { tool: 'mvn' } })
  await expect(toxiproxyProgram()).rejects.toMatchObject({ code: 'E_TESTBED_TOOL', context: { tool: 'go' } })
})

test('a version that cannot be fetched is an error that says so, and leaves nothing behind', { timeout: 120_000 }, async () => {
  await expect(kafkaJars('0.0.1-none')).rejects.toThrow(/E_TESTBED_DOWNLOAD Kafka 0\.0\.1-none could not be fetched/)
  expect(readdirSync(cacheFolder())).toEqual([])
})
