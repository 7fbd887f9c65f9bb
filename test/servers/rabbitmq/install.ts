import { join } from 'node:path'
import { cached } from '../cache.ts'
import { debianMirror, debianProgram } from '../debian.ts'
import { TestBedError } from '../test-bed-error.ts'
import { runTool } from '../tools.ts'

/** `3.10`: Debian 12's, on this machine. `4.0`: Debian 13's, in a root folder of its own. */
export type RabbitmqVersion = '3.10' | '4.0'

/** Where a server is: in the root folder of the machine, or in one that it must be changed to. */
export interface Installation {
  readonly program: string
  readonly root?: string
}

const fill = async (folder: string): Promise<void> => {
  const mirror = await debianMirror()
  try {
    await runTool('mmdebstrap', ['--variant=minbase', '--include=rabbitmq-server', 'trixie', folder, mirror], { timeoutMs: 900_000 })
  } catch (error) {
    if (error instanceof TestBedError) throw error
    throw new TestBedError('E_TESTBED_DOWNLOAD', { what: 'RabbitMQ 4.0', reason: (error as Error).message }, '', error)
  }
}

/** The packages of Debian 13 need a newer libc than Debian 12 has. 240 MB. */
const installFolder = async (): Promise<string> => {
  if (process.getuid?.() !== 0) {
    const how = 'Run the tests as root: it runs in a root folder of its own (mmdebstrap, unshare, chroot).'
    throw new TestBedError('E_TESTBED_TOOL', { tool: 'RabbitMQ 4.0', how })
  }
  await debianProgram('mmdebstrap')
  return cached('rabbitmq-trixie', fill)
}

/**
 * Gets a RabbitMQ server that may be started, installed if it is not there.
 *
 * @throws TestBedError `E_TESTBED_TOOL` without the rights for it, `E_TESTBED_DOWNLOAD` without a network
 */
export const installRabbitmq = async (version: RabbitmqVersion): Promise<Installation> => {
  const program = await debianProgram('rabbitmq-server')
  // The tools of the other version are needed too: epmd and erl_call.
  if (version === '3.10') return { program }
  const root = await installFolder()
  return { program, root: join(root, '/') }
}
