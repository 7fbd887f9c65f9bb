export interface WaitOptions {
  readonly timeoutMs: number
  /** @default 50 */
  readonly everyMs?: number
  /** Ends the sentence "waited 5000 ms in vain for ...". Asked at the end, so that it can say what was seen last. */
  readonly what: string | (() => string)
}

/** Asks again and again until the answer is true; rejects after `timeoutMs`, and at once when `look` throws. */
export const waitUntil = async (look: () => boolean | Promise<boolean>, options: WaitOptions): Promise<void> => {
  const end = performance.now() + options.timeoutMs
  while (!(await look())) {
    if (performance.now() >= end) {
      throw new Error(`waited ${options.timeoutMs} ms in vain for ${typeof options.what === 'string' ? options.what : options.what()}`)
    }
    await new Promise((resolve) => setTimeout(resolve, options.everyMs ?? 50))
  }
}
