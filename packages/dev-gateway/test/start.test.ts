import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startDevGateway } from '../src/index.ts'
import { readCommandLine } from '../src/command-line.ts'
import { folderOf, gatewayOf, provider } from './kit.ts'

const start = (text: string, port = 0): Promise<unknown> =>
  startDevGateway({ stack: join(folderOf({ 'stack.yaml': text }).path, 'stack.yaml'), port, watch: false })

test('a port in use is named, with what to do', async () => {
  const { port } = await gatewayOf({})
  await expect(start(`${provider}functions: {}\n`, port)).rejects.toMatchObject({ code: 'E_DEVGATEWAY_PORT_IN_USE', context: { port } })
})

test('an address of another machine is refused', async () => {
  const { path } = folderOf({ 'stack.yaml': `${provider}functions: {}\n` })
  const wrong = startDevGateway({ stack: join(path, 'stack.yaml'), host: '203.0.113.1', watch: false })
  await expect(wrong).rejects.toMatchObject({ code: 'E_DEVGATEWAY_LISTEN' })
})

test('a missing stack file and a missing handler have codes of their own', async () => {
  await expect(startDevGateway({ stack: '/nowhere/stack.yaml' })).rejects.toMatchObject({ code: 'E_STACK_READ' })
  await expect(start(`${provider}functions:\n  f: { handler: ./none }\n`)).rejects.toThrow(
    /^E_STACK_HANDLER stack\.yaml:4: the handler of function f cannot be used: .*none does not exist/,
  )
  await expect(start(`${provider}functions:\n  f: { handler: ., lang: python3 }\n`)).rejects.toThrow(/lang is python3/)
})

test('the command line is checked as a whole', () => {
  expect(readCommandLine(['--help'], {})).toBe('help')
  expect(readCommandLine(['--stack', 's.yaml', '--port', '0', '--no-watch'], {})).toMatchObject({
    stack: 's.yaml',
    port: 0,
    watch: false,
    async: true,
  })
  for (const wrong of [
    ['--port', '70000'],
    ['--nonsense'],
    ['--basic-auth-user', 'a'],
    ['--basic-auth-user', 'a', '--basic-auth-password-file', '/nowhere'],
  ])
    expect(() => readCommandLine(wrong, {})).toThrow('E_DEVGATEWAY_USAGE')
})
