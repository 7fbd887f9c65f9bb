import { writeFileSync } from 'node:fs'
import type { Reporter, TestModule } from 'vitest/node'

/**
 * Writes `N passed, N failed` to `$SUMMARY_FILE`.
 * Counts what vitest's own summary leaves out of the failed tests: files that do not load, hooks, suites, unhandled errors.
 * Prints which tests passed only at a later try, with the first failure: a retry must hide nothing.
 */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const file = process.env.SUMMARY_FILE
    if (file === undefined) return
    const suites = modules.flatMap((module) => [...module.children.allSuites()])
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const broken = unhandled.length + [...modules, ...suites].flatMap((part) => part.errors()).length
    for (const test of tests.filter((each) => each.diagnostic()?.flaky)) {
      const [failure] = test.result().errors ?? []
      process.stdout.write(
        `RETRIED ${test.module.relativeModuleId}: ${test.fullName}\n        ${failure?.message ?? 'no reason was kept'}\n`,
      )
    }
    const count = (state: string): number => tests.filter((test) => test.result().state === state).length
    writeFileSync(file, `${count('passed')} passed, ${count('failed') + broken} failed\n`)
  }
}
