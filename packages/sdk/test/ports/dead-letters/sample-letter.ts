import type { DeadLetter } from '../../../src/contract/dead-letter.ts'

export const sampleLetter = (n: number): DeadLetter => ({
  event: {
    id: `event-${n}`,
    source: '/test',
    type: 'test',
    topic: 'orders',
    data: new Uint8Array([n % 256, 10, 9, 0]),
    headers: [['x', String(n)]],
  },
  intake: 'http',
  function: 'pay.shop',
  reason: 'exhausted',
  detail: 'Ten attempts failed.',
  attempts: 10,
  history: [{ at: 1, durationMs: 2.5, status: 500 }],
  firstAttemptAt: 1,
  lastAttemptAt: 2,
  diedAt: 3,
  hops: 0,
})
