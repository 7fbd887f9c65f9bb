import { memoryState } from '@millrace/sdk'
import type { Lease } from '@millrace/sdk'
import { leakGuard, manualClock } from '@millrace/sdk/testing'
import { expect, test } from 'vitest'
import { StreamLease } from '../../src/consumer/stream-lease.ts'

leakGuard()

test('a lease that comes after its consumer has gone is given back: somebody else may read the stream', async () => {
  const clock = manualClock()
  const state = memoryState({ clock })
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
  const slow = {
    ...state,
    lease: async (key: string, ttlMs: number): Promise<Lease | undefined> => {
      const lease = await state.lease(key, ttlMs)
      await answered
      return lease
    },
  }
  const of = (store: typeof state): StreamLease => new StreamLease({ key: 'k', state: store, clock, ttlMs: 30_000, onLost: () => {} })
  const first = of(slow)
  const acquiring = first.acquire()
  await first.release()
  answer()
  expect([await acquiring, first.held]).toEqual([undefined, undefined])
  const second = of(state)
  expect(await second.acquire()).toBeDefined()
  await second.release()
  await state.close()
})
