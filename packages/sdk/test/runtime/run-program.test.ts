import { expect, test } from 'vitest'
import { runProgram } from '../../src/runtime/run-program.ts'
import { memoryLog } from '../../src/testing/memory-log.ts'
import { memorySource } from '../../src/testing/memory-source.ts'

const run = async (env: NodeJS.ProcessEnv): Promise<{ code: number; err: string }> => {
  let err = ''
  const code = await runProgram(
    {
      name: 'millrace-test',
      about: 'A test.',
      settings: { title: 'Test', settings: {} },
      source: () => ({ ...memorySource(memoryLog()), replay: 'spool' }),
    },
    { argv: [], env, out: () => {}, err: (text) => (err += text) },
  )
  return { code, err }
}

test('a source that must keep its events, without a place to keep them, is a wrong configuration: exit code 2', async () => {
  const { code, err } = await run({ admin_port: '0', admin_host: '127.0.0.1' })
  expect(err).toMatch(/E_CONNECTOR_SPOOL[^]*state_dir/)
  expect(code).toBe(2)
})

test('all wrong settings are told at once: exit code 2', async () => {
  const { code, err } = await run({ ADMIN_PORT: 'x', upstream_timeout: '5' })
  expect(err).toMatch(/2 mistake\(s\)[^]*upstream_timeout[^]*admin_port/)
  expect(code).toBe(2)
})
