/**
 * What `npm start`, `npm test` and `npm run bench` do first: the dependencies, a Node that is new enough, the build.
 * Plain JavaScript without dependencies, because it runs before there are any, in whatever Node >= 20 the shell has.
 * A second run finds everything in place and takes less than a second.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

const pnpm = 'pnpm@12.21.0'
const stamp = join(root, 'node_modules/.cache/millrace-setup')
const oldestToSetUp = [20, 0]
const oldestToRun = [22, 22]

/** A fault with a remedy; it is printed without a stack. */
export class SetupError extends Error {}

const say = (text) => process.stderr.write(`${text}\n`)
const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`

const isAtLeast = (version, [major, minor]) => {
  const [has, hasMinor] = version.split('.').map(Number)
  return has > major || (has === major && hasMinor >= minor)
}

const checkShellNode = () => {
  if (isAtLeast(process.versions.node, oldestToSetUp)) return
  throw new SetupError(
    `Node ${process.versions.node} is too old to set Millrace up. Install Node 20 or newer (24 is best) and run the command again.`,
  )
}

const foldersOf = (folder) => {
  const path = join(root, folder)
  if (!existsSync(path)) return []
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'node_modules')
    .map((entry) => `${folder}/${entry.name}`)
}

/** Everything that decides what `pnpm install` puts where. */
const installKey = () => {
  const projects = ['packages', 'examples'].flatMap(foldersOf).concat('benchmarks', 'docs', 'test')
  const files = ['pnpm-lock.yaml', 'pnpm-workspace.yaml', ...['.', ...projects].map((folder) => `${folder}/package.json`)]
  const hash = createHash('sha256').update(`${pnpm} ${process.platform} ${process.arch}`)
  for (const file of files) if (existsSync(join(root, file))) hash.update(`\0${file}\0`).update(readFileSync(join(root, file)))
  return hash.digest('hex')
}

const isInstalled = (key) =>
  existsSync(stamp) &&
  readFileSync(stamp, 'utf8') === key &&
  foldersOf('packages').every((folder) => !existsSync(join(root, folder, 'package.json')) || existsSync(join(root, folder, 'node_modules')))

/** Runs a program, shows what it prints, and keeps the end of it for `explain`. */
const run = (command, args) =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], shell: process.platform === 'win32' })
    let tail = ''
    const show = (chunk) => {
      process.stderr.write(chunk)
      tail = (tail + chunk).slice(-20_000)
    }
    child.stdout.on('data', show)
    child.stderr.on('data', show)
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ ok: code === 0, code: code ?? signal, tail }))
  })

const remedies = [
  [
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|fetch failed|dns error|error sending request|META_FETCH|TARBALL_FETCH/i,
    'The package registry does not answer. The first set-up needs the network: check the connection, HTTPS_PROXY and `npm config get registry`, then run the command again.',
  ],
  [
    /CERT|self.signed|certificate/i,
    'The registry shows a certificate that is not trusted. Behind a company proxy, set NODE_EXTRA_CA_CERTS to its CA file.',
  ],
  [
    /OUTDATED_LOCKFILE|FROZEN_LOCKFILE/,
    `pnpm-lock.yaml does not fit the package.json files. After a change of dependencies run: npx ${pnpm} install`,
  ],
  [/ENOSPC|no space left/i, 'The disk is full. The dependencies need about 600 MB, here and in the pnpm store.'],
  [/EACCES|EPERM|EROFS|permission denied|read-only/i, `No right to write. Make ${root} and your home folder writable; do not use sudo.`],
]

const explainInstall = ({ code, tail }) => {
  const remedy = remedies.find(([pattern]) => pattern.test(tail))?.[1]
  return new SetupError(`The dependencies could not be installed (pnpm ended with ${code}).\n${remedy ?? 'The lines above say why.'}`)
}

/** By default npm says nothing for more than a minute before it gives a registry up. */
const soonOffline = ['--fetch-retries=1', '--fetch-retry-mintimeout=2000', '--update-notifier=false']

const install = async () => {
  const key = installKey()
  if (isInstalled(key)) return
  const start = performance.now()
  say(`Installing the dependencies with ${pnpm} (once, and after they change) ...`)
  const result = await run('npx', ['--yes', ...soonOffline, pnpm, 'install', '--frozen-lockfile']).catch((cause) => {
    if (cause.code === 'ENOENT') throw new SetupError('npx was not found. It comes with npm: install npm 10 or newer.')
    throw cause
  })
  if (!result.ok) throw explainInstall(result)
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, key)
  say(`Dependencies installed in ${seconds(start)}.`)
}

/** The Node that runs Millrace: this one if it is new enough, else the one among the dependencies (Linux with glibc). */
const chooseNode = () => {
  if (isAtLeast(process.versions.node, oldestToRun)) return process.execPath
  const brought = join(root, `node_modules/node-${process.platform}-${process.arch}/bin/node`)
  if (existsSync(brought) && spawnSync(brought, ['--version'], { stdio: 'ignore' }).status === 0) return brought
  throw new SetupError(
    `Node ${process.versions.node} is too old to run Millrace, which needs ${oldestToRun.join('.')} or newer, and none is brought along for ` +
      `${process.platform}-${process.arch}${existsSync(brought) ? ' (the one there does not start: it needs glibc)' : ''}.\n` +
      'Install Node 24 (nodejs.org, nvm, fnm, volta) and run the command again.',
  )
}

/** `tsc` leaves the output of a deleted or renamed source, which would then still be imported and packed. */
const removeStaleOutput = (folder) => {
  const dist = join(root, folder, 'dist')
  if (!existsSync(dist)) return
  for (const file of readdirSync(dist, { recursive: true })) {
    const stem = /^(.+?)(?:\.js|\.d\.ts)(?:\.map)?$/.exec(file)?.[1]
    if (stem !== undefined && !existsSync(join(root, folder, 'src', `${stem}.ts`))) rmSync(join(dist, file))
  }
}

const build = async (node) => {
  const start = performance.now()
  foldersOf('packages').forEach(removeStaleOutput)
  const result = await run(node, [
    join(root, 'node_modules/typescript/bin/tsc'),
    '-b',
    'packages/cli',
    'packages/kafka-connector',
    'packages/rabbitmq-connector',
  ])
  if (!result.ok) throw new SetupError('The build failed; the lines above say where.')
  if (performance.now() - start > 1500) say(`Built in ${seconds(start)}.`)
}

/**
 * Makes the tree ready and gives the path of the Node to run it with.
 * Throws `SetupError` when something is missing that only a person can provide.
 */
export const setUp = async (options = { build: true }) => {
  const start = performance.now()
  checkShellNode()
  await install()
  const node = chooseNode()
  if (options.build) await build(node)
  if (performance.now() - start > 1500) say(`Ready after ${seconds(start)}.`)
  return node
}

/** Ends this process as a person wants it: a `SetupError` as its text, anything else with its stack. */
export const fail = (error) => {
  say(error instanceof SetupError ? `\nerror: ${error.message}` : (error?.stack ?? String(error)))
  process.exitCode = 1
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await setUp().catch(fail)
