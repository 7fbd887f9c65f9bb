import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { Agent } from 'node:http'
import { fileURLToPath } from 'node:url'
import { fakeGateway } from '@millrace/sdk/testing'
import { expect, test } from 'vitest'
import { atEnd, guardTests, send, tempFolder, until } from '../kit.ts'

guardTests()

/** The build: `npm test` makes it first. */
const program = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

interface Life {
  readonly child: ChildProcess
  readonly url: string
}

/** Starts the program on a state directory; resolves when it takes events. */
const live = async (gatewayUrl: string, folder: string): Promise<Life> => {
  const env = {
    PATH: process.env['PATH'],
    NODE_OPTIONS: process.env['NODE_OPTIONS'],
    gateway_url: gatewayUrl,
    state_dir: folder,
    events_port: '0',
    admin_host: '127.0.0.1',
    admin_port: '0',
    retry_min_wait: '5ms',
    retry_max_wait: '20ms',
    drain_timeout: '2s',
  }
  const child = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  atEnd(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'close')
    }
  })
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (out += chunk.toString()))
  await until(`it takes events; it said ${out}`, () => out.includes('"takes events"') || child.exitCode !== null, 30_000)
  const url = /http:\/\/127\.0\.0\.1:\d+\/topics\//.exec(out)?.[0]
  if (url === undefined) throw new Error(out)
  return { child, url }
}

test('T1: after kill -9 at random points, whatever was answered with 202 or 200 has reached its function', async () => {
  const kills = 10
  const folder = await tempFolder()
  let calls = 0
  const gateway = await fakeGateway({
    functions: {
      f: {
        annotations: { topic: 'orders' },
        handler: async () => {
          const call = (calls += 1)
          await new Promise((resolve) => setTimeout(resolve, call % 40))
          // By the call's own number: calls that end together must not fail together, or the function's breaker opens.
          return { status: call % 11 === 0 ? 500 : 200 }
        },
      },
    },
  })
  atEnd(() => gateway.close())
  const acked: string[] = []
  let sent = 0
  for (let kill = 0; kill < kills; kill += 1) {
    const { child, url } = await live(gateway.url, folder)
    const agent = new Agent({ keepAlive: true })
    const lane = async (wait: string): Promise<void> => {
      for (;;) {
        const id = `e-${(sent += 1)}`
        const answer = await send(`${url}orders${wait}`, id, { headers: [['idempotency-key', id]], agent }).catch(() => undefined)
        if (answer === undefined) return
        if (answer.status === 202 || answer.status === 200) acked.push(id)
      }
    }
    const lanes = [...Array.from({ length: 12 }, () => lane('')), lane('?wait=true'), lane('?wait=true')]
    // Every other time without waiting for anything: the process then dies while it replays what it found.
    const enough = acked.length + (kill % 2) * (1 + Math.floor(Math.random() * 40))
    await until('some events are taken', () => acked.length >= enough)
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 30))
    child.kill('SIGKILL')
    await Promise.all([once(child, 'close'), ...lanes])
    agent.destroy()
  }
  const { child } = await live(gateway.url, folder)
  const reached = (): Set<string> => new Set(gateway.requests.filter(({ status }) => status === 200).map((request) => request.text()))
  const missing = (): string[] => acked.filter((id) => !seen.has(id))
  let seen = reached()
  await until(
    'all have reached the function',
    () => {
      seen = reached()
      return missing().length === 0
    },
    30_000,
  ).catch(() => {})
  expect(missing()).toEqual([])
  expect(acked.length).toBeGreaterThan(kills)
  expect(gateway.requests.every((request) => request.eventId === request.text())).toBe(true)
  child.kill('SIGTERM')
  expect(await once(child, 'close')).toEqual([0, null])
}, 120_000)
