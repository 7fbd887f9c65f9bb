/** A time-bounded exclusive right. */
export interface Lease {
  readonly key: string
  /** Grows with every grant of the key: a writer with an older fence is refused. */
  readonly fence: number
  /** Aborts when the lease is lost or released. */
  readonly signal: AbortSignal
  /** Extends it by the granted time; false when it was lost. After a rejection it is held until its time ends, unless a later one succeeds. */
  renew(): Promise<boolean>
  /** Gives it back. Where the store cannot be reached it ends by its time; never rejects for that. */
  release(): Promise<void>
}

/** A value with the version that a compare-and-set must name. */
export interface Versioned {
  readonly value: Uint8Array
  /** From 1, grows by one with every put of the key. */
  readonly version: number
}

/** One compare-and-set among several. */
export interface Put {
  readonly key: string
  /** A string stands for its UTF-8 bytes. */
  readonly value: Uint8Array | string
  readonly expected: number | 'absent'
  readonly lease?: Lease
  /** See `StateStore.put`. */
  readonly ttlMs?: number
}

/**
 * Small durable state: cron cursors, checkpoints, dedupe marks. Keys are at most 512 bytes of UTF-8, values at most 1 MiB.
 *
 * @throws MillraceError `E_STATE_IO` when the store cannot be reached or written; the caller must then assume nothing.
 */
export interface StateStore {
  get(key: string): Promise<Versioned | undefined>
  /**
   * Compare-and-set. Resolves, once durable, with the new version; with `undefined` when `expected` is not the current
   * version, or when `lease` is given and no longer held.
   *
   * With `ttlMs` the key is absent again that many milliseconds later, also over a restart: for marks that nobody would remove. It
   * holds until the next put of the key, which may have another one or none. From 1 ms to ten years; what lies outside is taken for the
   * nearest. A store with a limit refuses such puts (`E_STATE_LIMIT`) while there is still room for those without.
   * @default the key stays
   */
  put(key: string, value: Uint8Array, expected: number | 'absent', lease?: Lease, ttlMs?: number): Promise<number | undefined>
  /**
   * Several puts at once, each a compare-and-set of its own. Resolves, once all of them are durable, with what `put` answers
   * for each; rejects when one of them cannot be written, and then nothing is known of the others either. Left out by a store
   * that can do it no cheaper than one by one.
   */
  putMany?(puts: readonly Put[]): Promise<readonly (number | undefined)[]>
  /** Removes the key at `expected`; false when another version is there. */
  delete(key: string, expected: number): Promise<boolean>
  /** Every key that begins with `prefix`, in no order. */
  keys(prefix: string): Promise<readonly string[]>
  /** Grants the exclusive right for `ttlMs`, or `undefined` when somebody else holds it. */
  lease(key: string, ttlMs: number): Promise<Lease | undefined>
  close(): Promise<void>
}
