import type { Clock, MillraceError, Timer } from '@millrace/sdk'
import type { CommitItem } from '../driver/driver.ts'
import type { Partition } from './partition.ts'

/** What the committer is given. */
export interface CommitterOptions {
  readonly clock: Clock
  /** @default 1000 */
  readonly intervalMs: number
  /** Completions after which a commit does not wait for the timer. @default 1000 */
  readonly everyCompletions: number
  /** The partitions owned at this moment. */
  readonly partitions: () => Iterable<Partition>
  /** Sends one OffsetCommit. It is called in the same breath in which ownership was looked at. */
  readonly commit: (items: readonly CommitItem[]) => Promise<void>
  readonly onCommitted?: (partitions: number, tookMs: number) => void
  readonly onFailed?: (error: MillraceError) => void
}

/**
 * Commits all partitions that have moved, in one request, a second after the first move or after a thousand completions, and never two
 * at once: a retry that overtakes a later commit would move positions back. What fails stays to be committed.
 */
export class Committer {
  readonly #options: CommitterOptions
  #running: Promise<boolean> | undefined
  #timer: Timer | undefined
  #completions = 0
  #failed = false
  #stopped = false

  constructor(options: CommitterOptions) {
    this.#options = options
  }

  /** Something is to be committed. */
  completed(): void {
    if (this.#stopped) return
    this.#completions += 1
    // After a failure only the timer tries again, so that a broken coordinator is not pressed by every completion.
    if (this.#completions >= this.#options.everyCompletions && this.#running === undefined && !this.#failed) void this.#run()
    else this.#arm()
  }

  /** Commits what is there now and resolves when that is stored: true, or false when it could not be. Waits for a commit that is under way. */
  async flush(): Promise<boolean> {
    while (this.#running !== undefined) await this.#running
    return this.#run()
  }

  /** Nothing more is sent; what is under way may end. */
  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#stopped) return
    this.#timer = this.#options.clock.after(this.#options.intervalMs, () => {
      this.#timer = undefined
      if (this.#running === undefined) void this.#run()
      else this.#arm()
    })
  }

  #run(): Promise<boolean> {
    if (this.#stopped) return Promise.resolve(false)
    this.#completions = 0
    const sent: { readonly partition: Partition; readonly item: CommitItem }[] = []
    for (const partition of this.#options.partitions()) {
      const item = partition.dirty()
      if (item === undefined) continue
      partition.committing()
      sent.push({ partition, item })
    }
    if (sent.length === 0) return Promise.resolve(true)
    const startedAt = this.#options.clock.monotonic()
    const running = this.#options.commit(sent.map(({ item }) => item)).then(
      () => {
        this.#failed = false
        for (const { partition, item } of sent) partition.committed(item.offset)
        this.#options.onCommitted?.(sent.length, this.#options.clock.monotonic() - startedAt)
        return true
      },
      (error: unknown) => {
        this.#failed = true
        for (const { partition } of sent) partition.notCommitted()
        this.#options.onFailed?.(error as MillraceError)
        return false
      },
    )
    this.#running = running.finally(() => {
      this.#running = undefined
      if (sent.some(({ partition }) => partition.dirty() !== undefined) || this.#completions > 0) this.#arm()
    })
    return this.#running
  }
}
