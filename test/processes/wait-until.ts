export interface WaitOptions {
  readonly timeoutMs: number
  /** The time counts anew whenever this changes: for work of which only a standstill is a fault. @default never */
  readonly progress?: () => unknown
  /** @default 50 */
  readonly everyMs?: number
  /** Ends the sentence "waited 5000 ms in vain for ...". Asked at the end, so that it can say what was seen last. */
  readonly what: string | (() => string)
}

/** Asks again and again until the answer is true; rejects after `timeoutMs` (without progress), and at once when `look` throws. */
export const waitUntil = async (look: () => boolean | Promise<boolean>, options: WaitOptions): Promise<void> => {
  let end = performance.now() + options.timeoutMs
  let seen = options.progress?.()
  while (!(await look())) {
    const now = options.progress?.()
    if (now !== seen) {
      seen = now
      end = performance.now() + options.timeoutMs
    }
    if (performance.now() >= end) {
      throw new Error(`waited ${options.timeoutMs} ms in vain for ${typeof options.what === 'string' ? options.what : options.what()}`)
    }
    await new Promise((resolve) => setTimeout(resolve, options.everyMs ?? 50))
  }
}
