import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-summary-'))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
})

afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

/** The summary that a run of its own writes over files with these texts, and what it prints. */
const runOf = (files: readonly string[]): Promise<{ summary: string; printed: string }> => {
  writeFileSync(join(folder, 'vitest.config.ts'), "export default { test: { include: ['*.test.ts'], retry: 1 } }\n")
  for (const [index, text] of files.entries()) writeFileSync(join(folder, `${index}.test.ts`), text)
  const summary = join(folder, 'summary')
  const args = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', `--reporter=${join(root, 'scripts/summary-reporter.ts')}`]
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: folder, env: { ...process.env, SUMMARY_FILE: summary } }, (_error, printed) => {
      resolve({ summary: readFileSync(summary, 'utf8'), printed })
    })
  })
}

const summaryOf = async (files: readonly string[]): Promise<string> => (await runOf(files)).summary

const head = "import { afterAll, beforeAll, describe, expect, test } from 'vitest'\n"
const passing = `${head}test('a', () => { expect(1).toBe(1) })\ntest('b', () => { expect(1).toBe(1) })\n`

test('passed and failed tests are counted, skipped ones are neither', async () => {
  const mixed = `${head}test('c', () => { expect(1).toBe(2) })\ntest.skip('d', () => {})\n`
  expect(await summaryOf([passing, mixed])).toBe('2 passed, 1 failed\n')
})

test('what is not a test and fails is counted too: a file, a hook of a file, a hook of a suite, an unhandled rejection', async () => {
  const files = [
    passing,
    "import './missing.ts'\n",
    `${head}afterAll(() => { throw new Error('hook') })\ntest('c', () => { expect(1).toBe(1) })\n`,
    `${head}describe('suite', () => { afterAll(() => { throw new Error('hook') })\ntest('d', () => { expect(1).toBe(1) }) })\n`,
    `${head}test('e', () => { void Promise.reject(new Error('unhandled'))\nexpect(1).toBe(1) })\n`,
  ]
  expect(await summaryOf(files)).toBe('5 passed, 4 failed\n')
})

test('a test that passed only at its second try counts as passed and is named with its first failure', async () => {
  const flaky = `${head}let tries = 0\ntest('f', () => { tries += 1\nexpect(tries, 'too early').toBe(2) })\n`
  const { summary, printed } = await runOf([passing, flaky])
  expect(summary).toBe('3 passed, 0 failed\n')
  expect(printed).toContain('RETRIED 1.test.ts: f\n        too early')
  expect(printed.match(/RETRIED/g)).toHaveLength(1)
})
