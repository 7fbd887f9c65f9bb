import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { run } from './kit.ts'

test.each(['dev', 'validate', 'explain', 'doctor', 'send', 'replay'])('%s --help has examples and needs nothing else', async (name) => {
  const { code, out, err } = await run([name, '--help'])
  expect([code, err]).toEqual([0, ''])
  expect(out).toMatch(new RegExp(`^Usage: millrace ${name} [^]*Examples\\n {2}millrace ${name}`))
})

test('the version is that of the package', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  expect(await run(['--version'])).toMatchObject({ code: 0, out: `${version}\n` })
})

test.each([[[]], [['nonsense']], [['--nonsense']], [['send']], [['explain', 'a', 'b']]])('%j is wrong usage', async (args) => {
  expect(await run(args)).toMatchObject({ code: 2, out: '', err: expect.stringMatching(/usage|error/i) })
})
