/**
 * The reaper: a process of its own that reads lines on its standard input and, when that ends, removes what is still on its list.
 * Its input ends when the process that started it is gone, however that happened: exit, crash, Ctrl-C, SIGKILL.
 *
 *     +pid 123      a process (and its group) to kill
 *     -pid 123      it has ended by itself
 *     +path /tmp/x  a file or folder to remove
 *     -path /tmp/x  it has been removed
 */
import { rmSync } from 'node:fs'
import { createInterface } from 'node:readline'

const pids = new Set<number>()
const paths = new Set<string>()

// It sits in a group of its own; these come only from somebody who looks for it. It still has work to do then.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)

const kill = (pid: number): void => {
  for (const target of [-pid, pid]) {
    try {
      process.kill(target, 'SIGKILL')
    } catch {
      // Ended already.
    }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const [, sign, kind, value = ''] = /^([+-])(pid|path) (.+)$/.exec(line) ?? []
  const pid = Number(value)
  if (kind === 'path') {
    if (sign === '+') paths.add(value)
    else paths.delete(value)
  } else if (Number.isSafeInteger(pid) && pid > 1) {
    if (sign === '+') pids.add(pid)
    else pids.delete(pid)
  }
}

for (const pid of pids) kill(pid)
// A process that is being killed may still write into its folder.
for (const path of paths) rmSync(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
