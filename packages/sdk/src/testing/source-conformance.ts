import { describe, it } from 'vitest'
import { conformanceCases } from './conformance/conformance-cases.ts'
import type { SourceHarness } from './conformance/harness.ts'

/**
 * The suite that every source must pass: call it at the top of a vitest file. It plays the runtime around the source and checks what
 * the contract promises; cases that the harness has no means for are shown as skipped, with the reason.
 *
 * @example
 * sourceConformance({ name: 'mailbox', create: () => mailboxSource(folder), publish: (events) => drop(events), durable: true })
 */
export const sourceConformance = (harness: SourceHarness): void => {
  // What a case may need at most: its waits follow one another.
  const timeout = Math.max(30_000, 6 * (harness.timeoutMs ?? 5000))
  describe(`${harness.name}: a source`, () => {
    for (const one of conformanceCases(harness)) {
      if (one.skip === undefined) it(one.name, { timeout }, () => one.run())
      else it.skip(`${one.name} (${one.skip})`, () => {})
    }
  })
}
