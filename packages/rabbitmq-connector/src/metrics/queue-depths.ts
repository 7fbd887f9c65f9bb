import { describeError } from '@millrace/sdk'
import type { Clock, Logger } from '@millrace/sdk'
import type { QueueDepth } from './counting-observer.ts'
import type { ManagementApi } from './management-api.ts'
import type { AmqpChannel, AmqpConnection } from '../transport/transport.ts'

/** Asks the broker how long queues are; those that are missing or may not be asked for are left out. */
export type DepthReader = (queues: readonly string[]) => Promise<ReadonlyMap<string, QueueDepth>>

/** By passive declares: ready messages alone. */
export const depthsByDeclare =
  (connection: Pick<AmqpConnection, 'link'>, timeoutMs: number): DepthReader =>
  async (queues) => {
    const link = await connection.link(timeoutMs)
    const depths = new Map<string, QueueDepth>()
    let channel: AmqpChannel | undefined
    try {
      for (const queue of queues) {
        channel ??= await link.openChannel()
        try {
          depths.set(queue, { ready: (await channel.checkQueue(queue)).messages })
        } catch (error) {
          if (link.lost.aborted) throw error
          // A missing or forbidden queue costs its channel only.
          await channel.close()
          channel = undefined
        }
      }
    } finally {
      await channel?.close()
    }
    return depths
  }

/** By the management API: ready and unacknowledged, each as of some seconds ago. */
export const depthsByApi =
  (api: ManagementApi): DepthReader =>
  async (queues) => {
    const depths = new Map<string, QueueDepth>()
    for (const queue of queues) {
      const depth = await api.depthOf(queue)
      if (depth !== undefined) depths.set(queue, depth)
    }
    return depths
  }

/** The depths of a moment, read again and again until `stop()`. */
export interface QueueDepths {
  /** `readAt` on the monotonic clock; absent before the first reading. */
  current(): { readonly byQueue: ReadonlyMap<string, QueueDepth>; readonly readAt?: number }
  stop(): void
}

/** More queues than this are not asked for, so that a reading stays short. */
const maxQueues = 500

/** Reads the depths of `queues()` at once and then `intervalMs` after each reading. A failure is said once until a reading works again. */
export const watchDepths = (options: {
  readonly read: DepthReader
  readonly queues: () => readonly string[]
  readonly intervalMs: number
  readonly clock: Clock
  readonly logger: Logger
}): QueueDepths => {
  const { read, queues, intervalMs, clock, logger } = options
  let byQueue: ReadonlyMap<string, QueueDepth> = new Map()
  let readAt: number | undefined
  let isStopped = false
  let isFailing = false
  let timer = clock.after(0, () => void look())
  const look = async (): Promise<void> => {
    try {
      const found = await read(queues().slice(0, maxQueues))
      ;[byQueue, readAt, isFailing] = [found, clock.monotonic(), false]
    } catch (error) {
      if (!isFailing && !isStopped) logger.warn('the lengths of queues cannot be read', { error: describeError(error, 300) })
      isFailing = true
    }
    if (!isStopped) timer = clock.after(intervalMs, () => void look())
  }
  return {
    current: () => ({ byQueue, ...(readAt !== undefined && { readAt }) }),
    stop() {
      isStopped = true
      timer.cancel()
    },
  }
}
