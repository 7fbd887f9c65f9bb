import { expect, test } from 'vitest'
import type { Settlement } from '../../../src/contract/delivery.ts'
import type { UnmatchedPolicy } from '../../../src/core/delivery/engine-options.ts'
import { harness, policy, settled } from './engine-harness.ts'

test.each(['ack', 'hold', 'dead-letter'] as const satisfies readonly UnmatchedPolicy[])(
  'a caller of a topic that no function wants is told at once, with no results, and nothing stays (unmatched: %s)',
  async (unmatched) => {
    const h = harness([policy('a')], { unmatched })
    const answers: Settlement[] = []
    h.engine.accept(
      {
        event: { id: '1', source: 'test', type: 'test', topic: 'nobody', data: new Uint8Array(0), headers: [] },
        intake: 'invoke',
        ack: (settlement) => void answers.push(settlement),
        release: () => undefined,
      },
      'answer',
    )
    await settled()
    expect(answers).toEqual([{ results: [] }])
    expect(h.letters).toEqual([])
    // Hours later somebody deploys a function for it: it must not be called for a caller who has gone.
    h.setPolicies([policy('a'), policy('nobody')])
    expect(h.calls).toEqual([])
    expect(h.engine.stats()).toMatchObject({ acked: 1, inFlight: 0, drift: 0 })
  },
)
