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
import type { CoreConfig } from './config/core-config.ts'

/** What the connectors of a process keep on disk. */
export interface HostStorage {
  readonly deadLetters: DeadLetterSink | undefined
  readonly state: StateStore
  readonly spool: Spool | undefined
  close(): Promise<void>
}

/**
 * Opens dead letters, state and spool as the settings say. Without `state_dir` the state is in memory and lost at exit.
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
    const state = keep(
      stateDir === undefined ? memoryState({ clock }) : await fileState({ directory: join(stateDir, 'state'), clock, logger }),
    )
    const spool =
      stateDir === undefined || !needsSpool ? undefined : keep(await openSpool({ directory: join(stateDir, 'spool'), clock, logger }))
    return { deadLetters, state, spool, close }
  } catch (error) {
    await close()
    throw error
  }
}
