import { describeError, isMillraceError, MillraceError, offsetWindow } from '@millrace/sdk'
import type { Clock, Lease, Logger, OffsetRun, OffsetWindow, StateStore, Timer } from '@millrace/sdk'
import { streamOffsetOf } from '../mapping/attributes.ts'
import type { DeliveredMessage, FieldTable, FieldValue } from '../transport/message.ts'
import type { StreamStart } from '../topology/plan.ts'
import type { RabbitmqObserver } from './observer.ts'

/** @see StreamPosition */
export interface StreamPositionOptions {
  readonly queue: string
  /** Where it begins without a checkpoint. */
  readonly start: StreamStart
  readonly key: string
  readonly state: StateStore
  readonly clock: Clock
  readonly logger: Logger
  readonly observer: RabbitmqObserver
  /** How long a checkpoint may wait. @default 1000 */
  readonly everyMs: number
  /** Completions after which it waits no longer. @default 1000 */
  readonly every: number
  /** Messages behind the oldest unfinished one, at which the broker gets no more credit: what a crash repeats at most. @default 10000 */
  readonly maxSpan: number
  /** Somebody else has moved the position: this reader is no longer the one. */
  readonly onFenced: () => void
}

const maxRuns = 1000
const maxBytes = 256

const startField = (start: StreamStart): FieldValue => {
  if (typeof start === 'string') return start
  if ('offset' in start) return start.offset
  return 'timestamp' in start ? { kind: 'timestamp', ms: start.timestamp } : start.interval
}

/** A start that is another place a moment later: until something of the stream is finished, only a checkpoint says where it began. */
const isMoving = (start: StreamStart): boolean => start === 'next' || start === 'last' || (typeof start === 'object' && 'interval' in start)

/** Anybody may have written the state: what has another form is no checkpoint. */
const parseCheckpoint = (value: Uint8Array): number | undefined => {
  if (value.byteLength > maxBytes) return undefined
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(value))
    const offset = typeof parsed === 'object' && parsed !== null && 'offset' in parsed ? parsed.offset : undefined
    return typeof offset === 'number' && Number.isSafeInteger(offset) && offset >= 0 ? offset : undefined
  } catch {
    return undefined
  }
}

/**
 * The place in a stream: a stream forgets no message and remembers no reader, so an acknowledgement is only credit there and the position
 * is ours to keep, in the state store. It moves over a contiguous prefix of what is finished and nothing else, written a second after the
 * first move or after a thousand, and each write names the version it replaces: a reader that was replaced cannot move it back.
 */
export class StreamPosition {
  readonly #options: StreamPositionOptions
  #window: OffsetWindow<number> = offsetWindow(64)
  /** Finished above the checkpoint by an earlier subscription of this process: not run again. */
  #done: readonly OffsetRun<number>[] = []
  readonly #sequences = new Map<number, number>()
  /** Finished, and not acknowledged yet for want of room in the span. */
  #withheld: DeliveredMessage[] = []
  #version: number | 'absent' = 'absent'
  #stored: number | undefined
  #lease: Lease | undefined
  #timer: Timer | undefined
  #completions = 0
  #writing: Promise<void> | undefined
  #stopped = false
  #heard = false
  /** The checkpoint is of a stream that is gone. */
  #anew = false
  lastOffset: number | undefined

  constructor(options: StreamPositionOptions) {
    this.#options = options
  }

  /** The offset to go on from. */
  get position(): number | undefined {
    return this.#window.commitPoint ?? this.#stored
  }

  /** It has a checkpoint, and has given nothing since it is consumed: not even the message before, which is asked for to know the stream by. */
  get unheard(): boolean {
    return !this.#heard && (this.position ?? 0) > 0
  }

  /**
   * What the end of the stream says of a silent consumer: that the stream is another one than that of the checkpoint (it was deleted and made
   * anew, and RabbitMQ would give nothing of it before the offset that was asked for; the next subscription begins with its first message), or
   * that the broker has forgotten the consumer. `undefined`: nothing.
   *
   * @param end the newest offset
   */
  lossAt(end: number): MillraceError | undefined {
    const { queue } = this.#options
    if (this.unheard) {
      this.#anew = end + 1 < (this.position ?? 0)
      if (this.#anew) return new MillraceError('E_RABBITMQ_STREAM_ANEW', { queue, checkpoint: this.position, end })
    }
    const isForgotten = this.lastOffset !== undefined && end > this.lastOffset
    return isForgotten ? new MillraceError('E_RABBITMQ_CONSUMER_CANCELLED', { queue }) : undefined
  }

  get span(): number {
    return this.#window.span
  }

  /** Reads the checkpoint; a new subscription begins. @returns the arguments of its consumer @throws MillraceError `E_STATE_IO` */
  async begin(lease: Lease): Promise<FieldTable> {
    const { state, key, start } = this.#options
    const runs = this.#window.completedRuns(maxRuns)
    while (this.#writing !== undefined) await this.#writing
    const found = await state.get(key)
    this.#version = found?.version ?? 'absent'
    const own = this.#window.commitPoint
    const stored = found === undefined ? undefined : parseCheckpoint(found.value)
    // What this process has finished counts even where it could not be stored, unless another reader has been here since.
    const known = own !== undefined && (stored === undefined || own >= stored) && this.#stored === stored ? own : stored
    const position = this.#anew ? undefined : known
    this.#done = position !== undefined && position === own ? runs : []
    this.#stored = stored
    this.#lease = lease
    this.#window = offsetWindow(64)
    this.#sequences.clear()
    this.#withheld = []
    this.#stopped = false
    this.lastOffset = undefined
    this.#heard = false
    if (position !== undefined) this.#window.advance(position)
    const from = position === undefined ? startField(this.#anew ? 'first' : start) : Math.max(0, position - 1)
    this.#anew = false
    return new Map([['x-stream-offset', from]])
  }

  /** Notes an arrival. False: it was finished before, and only its credit is to be given back. */
  arrived(message: DeliveredMessage): boolean {
    const offset = streamOffsetOf(message)
    if (offset === undefined) return true
    this.#heard = true
    const { commitPoint } = this.#window
    if ((this.lastOffset !== undefined && offset <= this.lastOffset) || (commitPoint !== undefined && offset < commitPoint)) return false
    if (this.lastOffset === undefined && commitPoint !== undefined && offset > commitPoint) {
      this.#options.logger.warn('the stream no longer has what came after the checkpoint', {
        queue: this.#options.queue,
        checkpoint: commitPoint,
        offset,
      })
    }
    this.lastOffset = offset
    const sequence = this.#window.push(offset, offset + 1)
    if (this.#done.some(({ from, through }) => offset >= from && offset < through)) {
      this.#window.complete(sequence)
      return false
    }
    this.#sequences.set(message.deliveryTag, sequence)
    // Or what came and was not finished would be passed over by whoever begins next.
    if (this.#stored === undefined && sequence === 0 && isMoving(this.#options.start)) void this.flush()
    return true
  }

  /** The message is finished; `ack` is called for each message whose credit the broker may have back. */
  finish(message: DeliveredMessage, ack: (message: DeliveredMessage) => void): void {
    const sequence = this.#sequences.get(message.deliveryTag)
    if (sequence === undefined) {
      ack(message)
      return
    }
    this.#sequences.delete(message.deliveryTag)
    this.#window.complete(sequence)
    this.#withheld.push(message)
    if (this.#window.span < this.#options.maxSpan) for (const each of this.#withheld.splice(0)) ack(each)
    this.#completions += 1
    if (this.#completions >= this.#options.every) void this.flush()
    else this.#arm()
  }

  /** Stores the position if it has moved. Never rejects. */
  async flush(): Promise<void> {
    // One write at a time: two would name the same version, and the second would look like another reader's.
    while (this.#writing !== undefined) await this.#writing
    this.#timer?.cancel()
    this.#timer = undefined
    const offset = this.#window.commitPoint
    if (this.#stopped || offset === undefined || offset === this.#stored) return
    this.#completions = 0
    this.#writing = this.#write(offset).finally(() => (this.#writing = undefined))
    await this.#writing
  }

  /** Nothing more is stored. */
  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #arm(): void {
    if (this.#stopped) return
    this.#timer ??= this.#options.clock.after(this.#options.everyMs, () => {
      this.#timer = undefined
      void this.flush()
    })
  }

  async #write(offset: number): Promise<void> {
    const { state, key, queue, logger, observer } = this.#options
    try {
      const version = await state.put(key, new TextEncoder().encode(JSON.stringify({ offset })), this.#version, this.#lease)
      if (version === undefined) {
        this.stop()
        this.#options.onFenced()
        return
      }
      this.#version = version
      this.#stored = offset
      observer.checkpointed(queue, offset)
    } catch (error) {
      observer.checkpointFailed(queue)
      const told = new MillraceError('E_RABBITMQ_CHECKPOINT', { queue, reason: describeError(error) }, error)
      logger.warn(told.message, { code: told.code, effect: told.effect, cause: isMillraceError(error) ? error.code : undefined })
      // It is not known whether it was written: the next write finds out by the version.
      await this.#reread()
      this.#arm()
    }
  }

  async #reread(): Promise<void> {
    const { state, key } = this.#options
    try {
      const found = await state.get(key)
      if (found === undefined) return
      const offset = parseCheckpoint(found.value)
      // Ours, which arrived after all: nobody else may write while the lease is held.
      if (offset !== undefined && this.#lease?.signal.aborted === false) {
        this.#version = found.version
        this.#stored = offset
      }
    } catch {
      // The store is still away.
    }
  }
}
