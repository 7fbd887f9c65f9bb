import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { lockDirectory } from '../../../src/ports/journal/lock.ts'
import { tempFolders } from './temp-folder.ts'

const folder = tempFolders()

describe('directory lock', () => {
  test('two writers: the second is told who has the directory', async () => {
    const directory = await folder()
    const lock = await lockDirectory(directory)
    await expect(lockDirectory(directory)).rejects.toMatchObject({ code: 'E_JOURNAL_LOCKED', context: { pid: process.pid } })
    await lock.release()
    const next = await lockDirectory(directory)
    expect(next.held()).toBe(true)
    expect(lock.held()).toBe(false)
    await next.release()
  })

  test('of many takers of a stale lock exactly one wins', async () => {
    const directory = await folder()
    const lock = await lockDirectory(directory)
    await lock.release()
    for (let round = 0; round < 10; round++) {
      const results = await Promise.allSettled(Array.from({ length: 8 }, () => lockDirectory(directory)))
      const won = results.filter((result) => result.status === 'fulfilled')
      expect(won).toHaveLength(1)
      await won[0]?.value.release()
    }
    expect((await readdir(directory)).filter((name) => name.startsWith('lock'))).toHaveLength(1)
  })

  test('the lock of a killed process is taken over at once, that of a living one is not', async () => {
    const directory = await folder()
    const script = `import(${JSON.stringify(new URL('../../../src/ports/journal/lock.ts', import.meta.url).href)}).then(async ({ lockDirectory }) => {
      await lockDirectory(${JSON.stringify(directory)}); console.log('locked'); setInterval(() => {}, 1000) })`
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      await once(child.stdout, 'data')
      await expect(lockDirectory(directory)).rejects.toMatchObject({ code: 'E_JOURNAL_LOCKED', context: { pid: child.pid } })
    } finally {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    const lock = await lockDirectory(directory)
    await lock.release()
  })

  test('a pid that was given to another process does not keep the lock', async () => {
    const directory = await folder()
    const lock = await lockDirectory(directory)
    const holder = JSON.parse(await readFile(`${directory}/lock-1`, 'utf8')) as Record<string, unknown>
    await lock.release()
    // pid 1 lives, but began at another time.
    await writeFile(`${directory}/lock-2`, JSON.stringify({ ...holder, pid: 1, started: '1234567' }))
    const next = await lockDirectory(directory)
    await next.release()
  })

  test('another machine keeps the lock while its heartbeat goes on, and loses it when it stops', async () => {
    const directory = await folder()
    const foreign = { token: 'x', pid: 1, thread: 0, machine: 'elsewhere', host: 'pod-7', started: '1' }
    await writeFile(`${directory}/lock-1`, JSON.stringify(foreign))
    let beat = 1
    const heart = setInterval(() => void utimes(`${directory}/lock-1`, new Date(), new Date(1e12 + beat++ * 1000)), 10)
    await expect(lockDirectory(directory, { heartbeatMs: 40 })).rejects.toMatchObject({
      code: 'E_JOURNAL_LOCKED',
      context: { host: 'pod-7' },
    })
    clearInterval(heart)
    const lock = await lockDirectory(directory, { heartbeatMs: 40 })
    expect(await readdir(directory)).toEqual(['lock-2'])
    await lock.release()
  })

  test('a lock file that is no JSON is treated as one from elsewhere', async () => {
    const directory = await folder()
    await writeFile(`${directory}/lock-3`, '')
    const lock = await lockDirectory(directory, { heartbeatMs: 5 })
    await lock.release()
  })

  test('a holder notices that it was overtaken', async () => {
    const directory = await folder()
    const lock = await lockDirectory(directory, { heartbeatMs: 5 })
    await writeFile(`${directory}/lock-2`, '{}')
    await expect.poll(() => lock.held()).toBe(false)
    await lock.release()
    await rm(`${directory}/lock-2`)
  })
})
