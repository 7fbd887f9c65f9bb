import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

const launchModule = new URL('../../scripts/launch.mjs', import.meta.url).href
const repository = fileURLToPath(new URL('../..', import.meta.url))

/** Says its pid, then each signal; ends with code 3 on `end`, or after the first signal when told so. */
const program = `
const say = (text) => process.stdout.write(text + '\\n')
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => { say(signal); if (process.argv[2] === 'obey') setTimeout(() => process.exit(0), 500) })
process.stdin.on('data', (data) => { if (String(data).includes('end')) process.exit(3) })
setInterval(() => {}, 60_000)
say('pid ' + process.pid + ' env ' + process.env.MILLRACE_LAUNCHER)
`

let folder: string
let launched: ChildProcess
let output: string
let programPid: number

const seen = (text: string): Promise<void> =>
  new Promise((resolve) => {
    const look = (): void => {
      if (!output.includes(text)) return
      launched.stdout?.off('data', look)
      resolve()
    }
    launched.stdout?.on('data', look)
    look()
  })

const ended = (): Promise<number | NodeJS.Signals | null> =>
  new Promise((resolve) => launched.once('close', (code, signal) => resolve(code ?? signal)))

/** As npm starts it: in a process group of its own, here. */
const start = async (...args: readonly string[]): Promise<void> => {
  launched = spawn(process.execPath, [join(folder, 'launcher.mjs'), ...args], { cwd: repository, stdio: 'pipe', detached: true })
  output = ''
  launched.stdout?.on('data', (data: Buffer) => void (output += data.toString()))
  await seen('env')
  programPid = Number(/pid (\d+)/.exec(output)?.[1])
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-launch-'))
  const path = join(folder, 'program.mjs')
  writeFileSync(path, program)
  writeFileSync(
    join(folder, 'launcher.mjs'),
    `import { launch } from '${launchModule}'\nlaunch(process.execPath, ['${path}', ...process.argv.slice(2)])\n`,
  )
})

afterEach(() => {
  for (const pid of [launched.pid ?? 0, programPid]) if (pid > 0 && isAlive(pid)) process.kill(pid, 'SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

test('passes the input, the output and the exit code on, and keeps its own mark out of the environment', async () => {
  await start()
  expect(output).toContain('env undefined')
  launched.stdin?.write('end\n')
  expect(await ended()).toBe(3)
})

test.each(['SIGINT', 'SIGTERM'] as const)('a %s to the whole group and again by npm reaches the program once', async (signal) => {
  await start('obey')
  process.kill(-(launched.pid ?? 0), signal)
  process.kill(launched.pid ?? 0, signal)
  expect(await ended()).toBe(0)
  expect(output.match(/SIG\w+/g)).toEqual([signal])
})

test('a second signal, later, reaches the program too', async () => {
  await start()
  process.kill(launched.pid ?? 0, 'SIGINT')
  await seen('SIGINT')
  // Longer than the time within which two signals are one: this waits for the launcher's real clock.
  await new Promise((resolve) => setTimeout(resolve, 400))
  process.kill(launched.pid ?? 0, 'SIGTERM')
  await seen('SIGTERM')
  expect(output.match(/SIG\w+/g)).toEqual(['SIGINT', 'SIGTERM'])
})

test('a program that a signal ends gives 128 and its number', async () => {
  await start()
  process.kill(programPid, 'SIGKILL')
  expect(await ended()).toBe(137)
})

test('a launcher that is killed does not leave its program behind', async () => {
  await start('obey')
  process.kill(launched.pid ?? 0, 'SIGKILL')
  // The pipe closes when its last holder is gone, which is the program.
  await ended()
  expect(output).toContain('SIGTERM')
})
