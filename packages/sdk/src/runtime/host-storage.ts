import { join } from 'node:path'
import type { Clock } from '../contract/clock.ts'
import type { DeadLetterSink } from '../contract/dead-letter.ts'
import type { Logger } from '../contract/logger.ts'
import type { StateStore } from '../contract/state-store.ts'
import { describeError } from '../core/errors.ts'
import { fileDeadLetters } from '../ports/dead-letters/file-sink.ts'
import { openSpool, type Spool } from '../ports/spool/spool.ts'
import { fileState } from '../ports/state/file-store.ts'
import { memoryState } from '../ports/state/memory-store.ts'
import { redisState } from '../ports/state/redis-store.ts'
import type { CoreConfig } from './config/core-config.ts'
import { redisStateOptions } from './redis-state-options.ts'

/** What the connectors of a process keep outside of it. */
export interface HostStorage {
  readonly deadLetters: DeadLetterSink | undefined
  readonly state: StateStore
  readonly spool: Spool | undefined
  close(): Promise<void>
}

/** In Redis, else in files, else in memory. */
const openState = (config: CoreConfig, clock: Clock, logger: Logger): Promise<StateStore> => {
  const inRedis = redisStateOptions(config)
  if (inRedis !== undefined) return redisState({ ...inRedis, clock, logger })
  if (config.stateDir !== undefined) return fileState({ directory: join(config.stateDir, 'state'), clock, logger })
  return Promise.resolve(memoryState({ clock }))
}

/**
 * Opens dead letters, state and spool as the settings say. Without `state_url` and `state_dir` the state is in memory and lost
 * at exit.
 *
 * @throws MillraceError of the journal and the state store when a directory cannot be used
 */
export const openStorage = async (config: CoreConfig, needsSpool: boolean, clock: Clock, logger: Logger): Promise<HostStorage> => {
  const { deadLetterDir, stateDir } = config
  const opened: { close?(): Promise<void> }[] = []
  const keep = <T extends { close?(): Promise<void> }>(part: T): T => {
    opened.push(part)
    return part
  }
  const close = async (): Promise<void> => {
    for (const closed of await Promise.allSettled(opened.map(async (part) => part.close?.()))) {
      if (closed.status === 'rejected') logger.error('a store did not close cleanly', { error: describeError(closed.reason) })
    }
  }
  try {
    const deadLetters = deadLetterDir === undefined ? undefined : keep(await fileDeadLetters({ directory: deadLetterDir, logger }))
    const state = keep(await openState(config, clock, logger))
    const spool =
      stateDir === undefined || !needsSpool ? undefined : keep(await openSpool({ directory: join(stateDir, 'spool'), clock, logger }))
    return { deadLetters, state, spool, close }
  } catch (error) {
    await close()
    throw error
  }
}
