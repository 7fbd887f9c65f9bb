import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import { trackLeaks } from '../../src/testing/track-leaks.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})
const tracking = (): ReturnType<typeof trackLeaks> => {
  const tracker = trackLeaks()
  cleanups.push(() => tracker.dispose())
  return tracker
}
const descriptions = (tracker: ReturnType<typeof trackLeaks>): string =>
  tracker
    .leaks()
    .map((leak) => leak.description)
    .join('\n')

describe('trackLeaks', () => {
  it('sees a timer, and not an unreferenced one', async () => {
    const tracker = tracking()
    const quiet = setTimeout(() => {}, 60_000).unref()
    expect(tracker.leaks()).toEqual([])
    const timer = setInterval(() => {}, 60_000)
    expect(descriptions(tracker)).toMatch(/^1 running timer \(started at .*track-leaks\.test\.ts:\d+:\d+\)$/)
    clearInterval(timer)
    clearTimeout(quiet)
    expect(await tracker.settle(500)).toEqual([])
  })

  it('names the addresses of servers and sockets, and waits for them to close', async () => {
    const tracker = tracking()
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const socket = connect(port, '127.0.0.1')
    const [[peer]] = await Promise.all([once(server, 'connection') as Promise<[typeof socket]>, once(socket, 'connect')])
    expect(descriptions(tracker)).toContain(`1 listening server (127.0.0.1:${port})`)
    expect(descriptions(tracker)).toContain(`to 127.0.0.1:${port}`)
    socket.destroy()
    peer.destroy()
    server.close()
    expect(await tracker.settle(2000)).toEqual([])
  })

  it('names a child process', async () => {
    const tracker = tracking()
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
    expect(descriptions(tracker)).toContain(`1 running child process (pid ${child.pid}: `)
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await tracker.settle(2000)).toEqual([])
  })

  it('sees a worker thread, which Node does not list', async () => {
    const tracker = tracking()
    const worker = new Worker('setInterval(() => {}, 1000)', { eval: true })
    await once(worker, 'online')
    expect(tracker.leaks().map((leak) => [leak.kind, leak.count])).toEqual([['Worker', 1]])
    await worker.terminate()
    expect(await tracker.settle(2000)).toEqual([])
  })

  it('gives up after the settle time, overlooks what it is told to, and begins anew', async () => {
    const tracker = tracking()
    const lenient = trackLeaks({ ignore: ['Timeout'] })
    cleanups.push(() => lenient.dispose())
    const timer = setInterval(() => {}, 60_000)
    cleanups.push(() => clearInterval(timer))
    expect(await tracker.settle(10)).toMatchObject([{ kind: 'Timeout', count: 1 }])
    expect(lenient.leaks()).toEqual([])
    tracker.reset()
    expect(tracker.leaks()).toEqual([])
  })
})
