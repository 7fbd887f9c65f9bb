import { execFile } from 'node:child_process'
import { startChild, type Child } from '../processes/child.ts'
import { TestBedError } from './test-bed-error.ts'

/** How to get each program. Debian's packages are named; the versions are the oldest that were tried. */
const hints = {
  'apt-get': 'It is a program of Debian and its relatives.',
  erl_call: "It comes with Debian's package erlang-base.",
  go: 'Install Go 1.24 or newer (go.dev/dl) and put it on the PATH.',
  java: 'Install Java 17 or newer, e.g. apt-get install openjdk-17-jre-headless, and put it on the PATH.',
  mmdebstrap: 'apt-get install --no-install-recommends mmdebstrap',
  mvn: 'Install Maven 3.8 or newer, e.g. apt-get install maven, and put it on the PATH.',
  openssl: 'Install OpenSSL 3, e.g. apt-get install openssl.',
} as const

export type Tool = keyof typeof hints

export interface RunOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** @default 300000 */
  readonly timeoutMs?: number
}

/** Runs a program to its end and gives what it wrote. Throws `E_TESTBED_TOOL` when it is not installed, else what it wrote as the message. */
export const runTool = (tool: Tool, args: readonly string[], options: RunOptions = {}): Promise<string> =>
  new Promise((resolve, reject) => {
    const settings = { ...options, timeout: options.timeoutMs ?? 300_000, maxBuffer: 16 * 1024 * 1024 }
    execFile(tool, args, settings, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout + stderr)
      if (error.code === 'ENOENT') return reject(new TestBedError('E_TESTBED_TOOL', { tool, how: hints[tool] }, '', error))
      reject(new Error(`${tool} ended with ${error.code ?? error.signal}: ${(stderr + stdout).trim().slice(-2000)}`, { cause: error }))
    })
  })

/** Starts a Java program that goes on running. Throws `E_TESTBED_TOOL` without Java. */
export const startJava = async (args: readonly string[]): Promise<Child> => {
  try {
    return await startChild({ command: 'java', args })
  } catch (error) {
    throw new TestBedError('E_TESTBED_TOOL', { tool: 'java', how: hints.java }, '', error)
  }
}
