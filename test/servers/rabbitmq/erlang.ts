import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { startChild, type Child } from '../../processes/child.ts'
import { TestBedError } from '../test-bed-error.ts'

/** How to reach an Erlang node. */
export interface ErlangNode {
  readonly name: string
  readonly cookie: string
  readonly epmdPort: number
}

/** Starts a port mapper that belongs to us: one that a node starts by itself stays behind when the node has ended. */
export const startEpmd = async (port: number): Promise<Child> => {
  try {
    return await startChild({ command: 'epmd', args: ['-address', '127.0.0.1', '-port', String(port)] })
  } catch (error) {
    throw new TestBedError('E_TESTBED_TOOL', { tool: 'epmd', how: "It comes with Debian's package erlang-base." }, '', error)
  }
}

/** A text as an Erlang binary, whatever is in it. */
export const binary = (text: string): string => `<<${[...Buffer.from(text)].join(',')}>>`

/**
 * Evaluates Erlang on a node: what `rabbitmqctl eval` does, in 50 ms in place of 2 s. Gives the text between `{ok, ` and `}`.
 * Throws what the node answers when that fails.
 */
export const evaluate = (node: ErlangNode, code: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = execFile(
      'erl_call',
      // Two calls at once under one name refuse each other, and the names of -r come from the clock.
      ['-h', `c${randomUUID().slice(0, 8)}`, '-sname', node.name, '-c', node.cookie, '-timeout', '30', '-e'],
      { env: { PATH: process.env.PATH, ERL_EPMD_PORT: String(node.epmdPort) }, timeout: 60_000 },
      (error, stdout, stderr) => {
        const answer = stdout.trim()
        if (error === null && answer.startsWith('{ok, ')) return resolve(answer.slice(5, -1))
        reject(new Error(`the broker did not evaluate ${code}: ${answer}${stderr.trim()}`, { cause: error }))
      },
    )
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(`${code}.\n`)
  })
