import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { reaper } from '../processes/reaper.ts'
import { cacheFolder } from './cache.ts'
import { doneOnce } from './once.ts'
import { TestBedError } from './test-bed-error.ts'
import { runTool } from './tools.ts'

/** Packages of Debian that the test bed installs by itself, and the program of each. */
const programs = {
  mmdebstrap: '/usr/bin/mmdebstrap',
  'rabbitmq-server': '/usr/lib/rabbitmq/bin/rabbitmq-server',
  'redis-server': '/usr/bin/redis-server',
} as const

export type DebianPackage = keyof typeof programs

const policy = '/usr/sbin/policy-rc.d'

/** Runs `work` while no package may start its service: the servers of tests are not those of the system (Debian's invoke-rc.d(8)). */
const withoutServices = async (work: () => Promise<void>): Promise<void> => {
  let ours = false
  try {
    writeFileSync(policy, '#!/bin/sh\nexit 101\n', { flag: 'wx', mode: 0o755 })
    ours = true
    reaper.addPath(policy)
  } catch {
    // The machine has a policy of its own, as containers do: it stays.
  }
  try {
    await work()
  } finally {
    if (ours) {
      rmSync(policy, { force: true })
      reaper.removePath(policy)
    }
  }
}

const apt = (...args: readonly string[]): Promise<string> =>
  // Somebody else may be installing something.
  runTool('apt-get', ['-o', 'DPkg::Lock::Timeout=600', '-o', 'Dpkg::Use-Pty=0', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeoutMs: 900_000,
  })

const install = async (name: DebianPackage): Promise<void> => {
  const command = ['install', '-y', '--no-install-recommends', name] as const
  try {
    // A fresh machine has no lists of packages, or old ones.
    await apt(...command).catch(async () => {
      await apt('update')
      await apt(...command)
    })
  } catch (error) {
    if (error instanceof TestBedError) throw error
    throw new TestBedError('E_TESTBED_DOWNLOAD', { what: `Debian's package ${name}`, reason: (error as Error).message }, '', error)
  }
}

/**
 * The path of a package's program. Installs the package when it is not there and this is root on Debian; its service is not started.
 *
 * @throws TestBedError `E_TESTBED_TOOL` when it is not there and cannot be installed from here, `E_TESTBED_DOWNLOAD` when that fails
 */
export const debianProgram = async (name: DebianPackage): Promise<string> => {
  const program = programs[name]
  if (existsSync(program)) return program
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    const how = `On Debian: apt-get install --no-install-recommends ${name} (its service need not run). Tests that run as root do it themselves.`
    throw new TestBedError('E_TESTBED_TOOL', { tool: name, how })
  }
  mkdirSync(cacheFolder(), { recursive: true })
  await doneOnce(
    join(cacheFolder(), 'apt'),
    () => existsSync(program),
    () => withoutServices(() => install(name)),
    { waitMs: 1_800_000 },
  )
  return program
}

/** The mirror that this machine takes its packages from, and not their security updates. */
export const debianMirror = async (): Promise<string> => {
  const lines = await runTool('apt-get', ['indextargets', '--format', '$(REPO_URI) $(COMPONENT)', 'Created-By: Packages'])
  const mirror = lines
    .split('\n')
    .map((line) => line.split(' '))
    .find(([uri = '', component]) => /^https?:/.test(uri) && !uri.includes('security') && component === 'main')?.[0]
  if (mirror === undefined) throw new TestBedError('E_TESTBED_DOWNLOAD', { what: "Debian's packages", reason: 'apt knows no mirror' })
  return mirror
}
