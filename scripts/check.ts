/**
 * Every check of the project, with one count at the end: `N passed, N failed`.
 * A check that is not a test (build, lint, ...) counts as one. A failure does not stop the others.
 *
 *     node scripts/check.ts             everything
 *     node scripts/check.ts topic-map   build, then the test files whose path contains topic-map
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

interface Step {
  readonly name: string
  readonly command: readonly [string, ...string[]]
}

interface Result {
  readonly ok: boolean
  readonly ms: number
}

interface Count {
  passed: number
  failed: number
}

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const bin = (name: string): string => join(root, 'node_modules/.bin', name)
const filters = process.argv.slice(2)
const running = new Set<ChildProcess>()
let stopped: NodeJS.Signals | undefined

const build: Step = { name: 'build', command: [bin('tsc'), '-b'] }
const format: Step = { name: 'format', command: [bin('oxfmt'), '--check'] }
const lint: Step = { name: 'lint', command: [bin('oxlint'), '--type-aware', '--deny-warnings'] }
const knip: Step = { name: 'knip', command: [bin('knip')] }
const docs: Step = { name: 'docs', command: [process.execPath, 'scripts/generate-docs.ts', '--check'] }

/** The shims in node_modules/.bin take the first `node` of the path: it has to be this one. */
const environment = (extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  ...process.env,
  PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
  ...extra,
})

/** Output is shown as it comes with `live`, else in one piece at the end, so that steps side by side do not mix. */
const run = async (
  command: readonly [string, ...string[]],
  options: { live: boolean; env?: NodeJS.ProcessEnv },
): Promise<[boolean, string]> => {
  const [program, ...args] = command
  const child = spawn(program, args, {
    cwd: root,
    env: environment(options.env),
    stdio: ['ignore', options.live ? 'inherit' : 'pipe', options.live ? 'inherit' : 'pipe'],
  })
  running.add(child)
  let output = ''
  const keep = (chunk: Buffer): void => void (output += chunk.toString())
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  const ok = await new Promise<boolean>((resolve) => {
    child.once('error', (error) => {
      output += `${error.message}\n`
      resolve(false)
    })
    child.once('close', (code) => resolve(code === 0))
  })
  running.delete(child)
  return [ok, output]
}

const report = (name: string, { ok, ms }: Result, output = ''): void => {
  const line = `${ok ? 'ok  ' : 'FAIL'} ${name.padEnd(8)} ${(ms / 1000).toFixed(1)} s\n`
  process.stdout.write(ok ? line : `${output.trimEnd()}\n${line}`)
}

const runStep = async (step: Step, count: Count): Promise<void> => {
  if (stopped !== undefined) return
  const start = performance.now()
  const [ok, output] = await run(step.command, { live: false })
  if (ok) count.passed++
  else count.failed++
  report(step.name, { ok, ms: performance.now() - start }, output)
}

const readSummary = (file: string): Count | undefined => {
  const match = /^(\d+) passed, (\d+) failed$/m.exec(readFileSync(file, 'utf8'))
  return match === null ? undefined : { passed: Number(match[1]), failed: Number(match[2]) }
}

/** A run that ends badly without a failed test (a crash, no test found, a process left over) is one failure. */
const runTests = async (count: Count): Promise<void> => {
  if (stopped !== undefined) return
  const folder = mkdtempSync(join(tmpdir(), 'millrace-check-'))
  const file = join(folder, 'summary')
  writeFileSync(file, '')
  const start = performance.now()
  try {
    const command = [bin('vitest'), 'run', '--reporter=default', '--reporter=./scripts/summary-reporter.ts', ...filters] as const
    const [ok] = await run([...command], { live: true, env: { SUMMARY_FILE: file } })
    const tests = readSummary(file) ?? { passed: 0, failed: 0 }
    const failed = ok ? tests.failed : Math.max(1, tests.failed)
    count.passed += tests.passed
    count.failed += failed
    report('tests', { ok: failed === 0, ms: performance.now() - start })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const runAll = async (): Promise<Count> => {
  const count: Count = { passed: 0, failed: 0 }
  if (filters.length > 0) {
    await runStep(build, count)
  } else {
    // Lint reads the types that the build of the other packages gives; the format needs nothing.
    await Promise.all([runStep(build, count), runStep(format, count)])
    await Promise.all([runStep(lint, count), runStep(knip, count).then(() => runStep(docs, count))])
  }
  await runTests(count)
  return count
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    stopped = signal
    for (const child of running) child.kill('SIGTERM')
  })
}

const count = await runAll()
if (stopped !== undefined) count.failed++
const line = `${count.passed} passed, ${count.failed} failed\n`
if (process.env.SUMMARY_FILE !== undefined) writeFileSync(process.env.SUMMARY_FILE, line)
process.stdout.write(line)
process.exitCode = count.failed === 0 ? 0 : 1
