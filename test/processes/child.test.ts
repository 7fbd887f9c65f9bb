import { expect, test } from 'vitest'
import { startChild, type Child } from './child.ts'
import { isAlive } from './is-alive.ts'

const node = (script: string): Promise<Child> => startChild({ command: process.execPath, args: ['-e', script] })

test('gives the exit code, and all that was written', async () => {
  const child = await node(`console.log('out'); console.error('err'); process.exitCode = 3`)
  expect(await child.exited).toEqual({ code: 3, signal: null })
  expect(child.output()).toContain('out\n')
  expect(child.output()).toContain('err\n')
  expect(child.running).toBe(false)
  expect(child.signal('SIGTERM')).toBe(false)
})

test('SIGKILL takes what the process has started too', async () => {
  const child = await node(
    `const { spawn } = require('node:child_process'); const c = spawn('sleep', ['600']); console.log('grandchild', c.pid); setInterval(() => {}, 1000)`,
  )
  const grandchild = Number((await child.line(/grandchild (\d+)/, 20_000))[1])
  expect(isAlive(grandchild)).toBe(true)
  expect((await child.kill9()).signal).toBe('SIGKILL')
  await expect.poll(() => isAlive(grandchild), { timeout: 5000 }).toBe(false)
})

test('a process that does not listen to SIGTERM is killed after its time', async () => {
  const child = await node(`process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1000)`)
  await child.line(/up/, 20_000)
  expect((await child.stop(100)).signal).toBe('SIGKILL')
})

test('waiting for a line says what was written when the process ends before', async () => {
  const child = await node(`console.log('something else')`)
  await expect(child.line(/never/, 20_000)).rejects.toThrow(/ended \(0\).*\/never\/[^]*something else/)
})

test('a program that does not exist is an error with its name', async () => {
  await expect(startChild({ command: '/nowhere/program', args: [] })).rejects.toThrow('/nowhere/program does not start')
})
