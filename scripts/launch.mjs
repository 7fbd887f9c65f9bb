/** Runs a program in the place of this process: its terminal, its signals, its exit code. */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { join } from 'node:path'
import { root } from './setup.mjs'

/**
 * One Ctrl-C arrives more than once: the terminal signals the whole foreground group, and npm sends it again to its child.
 * The second SIGINT of a connector means "abort", so repeats within this time are one.
 */
const repeatMs = 300

const forwarded = { SIGINT: 'SIGINT', SIGTERM: 'SIGTERM', SIGHUP: 'SIGTERM' }

/**
 * Starts `node ...args` and ends this process as that one ends (128 + signal number after a signal).
 * The program gets a process group of its own, so that a signal reaches it through here only, once;
 * `follow-parent.mjs` asks it to stop if this process is killed.
 */
export const launch = (node, args) => {
  const child = spawn(node, ['--import', join(root, 'scripts/follow-parent.mjs'), ...args], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    detached: process.platform !== 'win32',
    env: { ...process.env, MILLRACE_LAUNCHER: String(process.pid) },
  })
  let last = Number.NEGATIVE_INFINITY
  for (const [signal, sent] of Object.entries(forwarded)) {
    process.on(signal, () => {
      const now = performance.now()
      if (now - last < repeatMs) return
      last = now
      child.kill(sent)
    })
  }
  // The program has no controlling terminal, so it would not hear of a new window size.
  if (process.stdout.isTTY) process.on('SIGWINCH', () => child.kill('SIGWINCH'))
  child.once('error', (error) => {
    process.stderr.write(`error: ${node} does not start: ${error.message}\n`)
    process.exit(1)
  })
  child.once('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)))
}
