import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { startVitest } from 'vitest/node'
import { leakGuard } from '../../src/testing/leak-guard.ts'

const guardPath = fileURLToPath(new URL('../../src/testing/leak-guard.ts', import.meta.url))

/** Runs a test file in a vitest of its own: the only way to see a hook fail. */
const outcomes = async (source: string): Promise<Record<string, string>> => {
  const root = await mkdtemp(join(tmpdir(), 'leak-guard-'))
  const { exitCode } = process
  try {
    await writeFile(join(root, 'guarded.test.ts'), `import { leakGuard } from ${JSON.stringify(guardPath)}\n${source}`)
    const vitest = await startVitest([], { root, config: false, watch: false, reporters: [{}], globals: true, pool: 'threads' })
    const result: Record<string, string> = {}
    for (const test of vitest.state.getTestModules().flatMap((module) => [...module.children.allTests()])) {
      const { state, errors } = test.result()
      result[test.name] = [state, ...(errors ?? []).map((error) => error.message)].join(': ')
    }
    await vitest.close()
    return result
  } finally {
    process.exitCode = exitCode
    await rm(root, { recursive: true, force: true })
  }
}

describe('leakGuard', () => {
  it('fails the test that leaves something, and no other', async () => {
    const result = await outcomes(`
      leakGuard({ settleMs: 20 })
      it('clean', () => {})
      it('leaves an interval', () => { globalThis.left = setInterval(() => {}, 60000) })
      it('is clean after it', () => {})
      it('closes late', () => { setTimeout(() => {}, 5) })
    `)
    expect(result).toMatchObject({ clean: 'passed', 'is clean after it': 'passed', 'closes late': 'passed' })
    expect(result['leaves an interval']).toMatch(
      /^failed: Left behind, 20 ms after the end:\n {2}- 1 running timer \(started at .*guarded\.test\.ts/,
    )
  })
})

describe('in this file', () => {
  leakGuard()
  it('lets a test pass that cleans up', () => {
    clearTimeout(setTimeout(() => {}, 60_000))
    expect(true).toBe(true)
  })
})
