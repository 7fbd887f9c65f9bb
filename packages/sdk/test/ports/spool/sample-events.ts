import type { MillraceEvent } from '../../../src/contract/event.ts'

/** An event whose body is `size` bytes that depend on its number. */
export const sampleEvent = (n: number, size = 20): MillraceEvent => ({
  id: `event-${n}`,
  source: '/test',
  type: 'test',
  topic: 'orders',
  data: new Uint8Array(size).fill(n % 251),
  headers: [
    ['x-n', String(n)],
    ['x-raw', new Uint8Array([0, 10, 255])],
  ],
})
