import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { startChild, type Child } from './child.ts'
import { isAlive } from './is-alive.ts'

const module = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href)

/** A test run in small: it starts a process and makes a folder, and then does `what`. */
const startRun = (what: string): Promise<Child> => {
  const script = `
    const { startChild } = await import(${module('child.ts')})
    const { scratchFolder } = await import(${module('reaper.ts')})
    const child = await startChild({ command: 'sleep', args: ['600'] })
    console.log('started', child.pid, scratchFolder('reaper').path)
    ${what}`
  return startChild({ command: process.execPath, args: ['--input-type=module', '-e', script] })
}

test.each([
  ['is killed', 'setInterval(() => {}, 1000)', 'SIGKILL'],
  ['gets Ctrl-C', 'setInterval(() => {}, 1000)', 'SIGINT'],
  ['crashes', `throw new Error('crash')`, undefined],
  ['ends without cleaning up', 'process.exit(0)', undefined],
] as const)('nothing stays behind when the run %s', async (_name, what, signal) => {
  const run = await startRun(what)
  const [, pid = '', folder = ''] = await run.line(/started (\d+) (\S+)/, 20_000)
  if (signal !== undefined) {
    expect(isAlive(Number(pid))).toBe(true)
    expect(existsSync(folder)).toBe(true)
    run.signal(signal)
  }
  await expect.poll(() => isAlive(Number(pid)) || existsSync(folder), { timeout: 15_000 }).toBe(false)
})
