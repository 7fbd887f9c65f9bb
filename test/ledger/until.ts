import { waitUntil } from '../processes/wait-until.ts'

/** Asks fifty times a second until the answer is true. @param timeoutMs @default 15000 */
export const until = (done: () => boolean | Promise<boolean>, what: string, timeoutMs: number = 15_000): Promise<void> =>
  waitUntil(done, { timeoutMs, everyMs: 20, what })
