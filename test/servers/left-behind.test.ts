import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { startChild, type Child } from '../processes/child.ts'
import { isAlive } from '../processes/is-alive.ts'
import { startSupervisor } from './supervisor.ts'

const module = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href)

/** A test run in small: shared servers by way of a supervisor, and a proxy. Says its pids and their folders. */
const startRun = (): Promise<Child> => {
  const script = `
    import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
    const { setup } = await import(${module('global-setup.ts')})
    const { kafka } = await import(${module('kafka.ts')})
    const { rabbitmq } = await import(${module('rabbitmq.ts')})
    const { startToxiproxy } = await import(${module('toxiproxy.ts')})
    await setup()
    await startToxiproxy()
    await Promise.all([kafka.shared(), rabbitmq.shared()])
    const children = readdirSync('/proc').filter((pid) => /^\\d+$/.test(pid)).flatMap((pid) => {
      try {
        const command = readFileSync('/proc/' + pid + '/cmdline', 'utf8').split('\\0')
        const parent = readFileSync('/proc/' + pid + '/stat', 'utf8').split(') ')[1].split(' ')[1]
        return parent === String(process.pid) ? [{ pid: Number(pid), file: command.find((part) => part.endsWith('server.properties')), cwd: readlinkSync('/proc/' + pid + '/cwd') }] : []
      } catch { return [] }
    })
    console.log('started ' + JSON.stringify(children))
    setInterval(() => {}, 1000)`
  const { MILLRACE_TEST_SERVERS: _outer, ...env } = process.env
  return startChild({ command: process.execPath, args: ['--input-type=module', '-e', script], env })
}

test('no server, no supervisor and no data stay behind when the test run is killed with -9', { timeout: 240_000 }, async () => {
  const run = await startRun()
  const [, list = '[]'] = await run.line(/started (.*)/, 200_000)
  const children = JSON.parse(list) as { pid: number; file?: string; cwd: string }[]
  const folders = children.flatMap(({ file, cwd }) => [
    ...(file === undefined ? [] : [file.replace(/node-1\/server\.properties$/, '')]),
    ...(cwd.includes('millrace-rabbitmq-') ? [cwd] : []),
  ])
  // Two brokers, the port mapper of one, Toxiproxy, and the reaper.
  expect(children.filter(({ pid }) => isAlive(pid))).toHaveLength(5)
  expect(folders.filter((folder) => existsSync(folder))).toHaveLength(2)
  run.signal('SIGKILL')
  const left = (): unknown[] => [...children.filter(({ pid }) => isAlive(pid)), ...folders.filter((folder) => existsSync(folder))]
  await expect.poll(left, { timeout: 30_000, interval: 100 }).toEqual([])
})

test('a supervisor answers only those who know its address, and says what it does not have', async () => {
  const supervisor = await startSupervisor()
  const ask = async (url: string): Promise<unknown> => (await fetch(url, { headers: { connection: 'close' } })).json()
  expect(await ask(`${supervisor.url}/nothing`)).toEqual({ error: 'there is no shared server /nothing' })
  expect(await ask(new URL('/kafka', supervisor.url).href)).toEqual({ error: 'unknown' })
  await supervisor.close()
  await expect(fetch(supervisor.url)).rejects.toThrow('fetch failed')
})
