import { ChildProcess } from 'node:child_process'
import { Server, Socket } from 'node:net'
import { setImmediate as nextImmediate } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import { trackTimers } from './track-timers.ts'

/** What is left over, by kind. */
export interface Leak {
  /** Node's name of the resource, e.g. `TCPServerWrap`, or `Worker`. */
  readonly kind: string
  /** How many more than at the start. */
  readonly count: number
  /** The same for a person, with addresses and process ids where Node tells them. */
  readonly description: string
}

/** Compares what keeps the process alive now with what did when it was made. */
export interface LeakTracker {
  /** What is left over at this moment. */
  leaks(): readonly Leak[]
  /** Waits up to `settleMs` of real time for all of it to go (closing takes some turns of the event loop), then says what is left. */
  settle(settleMs: number): Promise<readonly Leak[]>
  /** Begin anew from what is there now. */
  reset(): void
  /** Stop watching. */
  dispose(): void
}

/** @see trackLeaks */
export interface TrackLeaksOptions {
  /** Kinds that are none of the test's business, e.g. `FSEventWrap`. @default none */
  readonly ignore?: readonly string[]
}

const inWords: ReadonlyMap<string, string> = new Map([
  ['Timeout', 'running timer'],
  ['Immediate', 'pending immediate'],
  ['TCPServerWrap', 'listening server'],
  ['TCPSocketWrap', 'open TCP socket'],
  ['TLSWrap', 'open TLS socket'],
  ['PipeWrap', 'open pipe or Unix socket'],
  ['ProcessWrap', 'running child process'],
  ['UDPWrap', 'open UDP socket'],
  ['FSEventWrap', 'watched file'],
  ['StatWatcher', 'watched file'],
  ['MessagePort', 'open message port'],
  ['Worker', 'running worker thread'],
])

/** `_getActiveHandles` is not documented and may go: it only adds detail to a report. */
const activeHandles = (): readonly object[] => {
  const list: unknown = Reflect.get(process, '_getActiveHandles')
  return typeof list === 'function' ? (list.call(process) as object[]) : []
}

const detailOf = (handle: object): readonly [kind: string, detail: string] | undefined => {
  if (handle instanceof Server) {
    const address = handle.address()
    const where = typeof address === 'object' && address !== null ? `${address.address}:${address.port}` : String(address)
    return [typeof address === 'string' ? 'PipeWrap' : 'TCPServerWrap', where]
  }
  if (handle instanceof ChildProcess) return ['ProcessWrap', `pid ${handle.pid ?? '?'}: ${handle.spawnargs.join(' ').slice(0, 80)}`]
  if (handle instanceof Socket && handle.remotePort !== undefined) {
    return ['TCPSocketWrap', `${handle.localAddress}:${handle.localPort} to ${handle.remoteAddress}:${handle.remotePort}`]
  }
  return undefined
}

const describeLeak = (kind: string, count: number, details: readonly string[]): Leak => {
  const word = inWords.get(kind) ?? kind
  const shown = details.length > 0 ? ` (${details.slice(0, 5).join('; ')})` : ''
  return { kind, count, description: `${count} ${word}${count === 1 ? '' : 's'}${shown}` }
}

/**
 * Finds what a piece of code leaves behind: timers, sockets, servers, child processes, watchers, worker threads. Only what keeps
 * the process alive is seen, so an `unref`ed timer is none. For use without vitest; `leakGuard` is made of it.
 */
export const trackLeaks = (options: TrackLeaksOptions = {}): LeakTracker => {
  const ignored = new Set(options.ignore)
  // Node lists no worker threads among the active resources.
  const workers = new Set<Worker>()
  const onWorker = (worker: Worker): void => {
    workers.add(worker)
    worker.once('exit', () => void workers.delete(worker))
  }
  process.on('worker', onWorker)

  const timers = trackTimers()

  const counts = (): Map<string, number> => {
    const found = new Map<string, number>()
    for (const kind of process.getActiveResourcesInfo()) if (kind !== 'Timeout') found.set(kind, (found.get(kind) ?? 0) + 1)
    if (workers.size > 0) found.set('Worker', workers.size)
    return found
  }
  let before = counts()
  let handlesBefore = new WeakSet(activeHandles())

  const leaks = (): readonly Leak[] => {
    const running = ignored.has('Timeout') ? [] : timers.running()
    const left = [...counts()].flatMap(([kind, count]) => {
      const more = count - (before.get(kind) ?? 0)
      return more > 0 && !ignored.has(kind) ? [[kind, more] as const] : []
    })
    if (left.length === 0 && running.length === 0) return []
    const details = activeHandles().flatMap((handle) => (handlesBefore.has(handle) ? [] : [detailOf(handle) ?? []]))
    const others = left.map(([kind, more]) =>
      describeLeak(
        kind,
        more,
        details.flatMap(([of, detail]) => (of === kind && detail !== undefined ? [detail] : [])),
      ),
    )
    const started = running.map((timer) => `started at ${timer.startedAt}`)
    return running.length > 0 ? [describeLeak('Timeout', running.length, started), ...others] : others
  }

  return {
    leaks,
    async settle(settleMs: number): Promise<readonly Leak[]> {
      const deadline = performance.now() + settleMs
      for (;;) {
        const left = leaks()
        if (left.length === 0 || performance.now() >= deadline) return left
        await nextImmediate()
        if (leaks().length > 0) await new Promise<void>((resolve) => void setTimeout(resolve, 5).unref())
      }
    },
    reset() {
      timers.reset()
      before = counts()
      handlesBefore = new WeakSet(activeHandles())
    },
    dispose() {
      timers.dispose()
      process.off('worker', onWorker)
    },
  }
}
