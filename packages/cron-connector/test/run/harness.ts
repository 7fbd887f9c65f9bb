import { noMetrics, memoryState } from '@millrace/sdk'
import type {
  AnnotationProblem,
  Clock,
  Delivery,
  FunctionDeclaration,
  FunctionsChange,
  Logger,
  Session,
  SourceContext,
  StateStore,
} from '@millrace/sdk'
import { manualClock } from '@millrace/sdk/testing'
import type { ManualClock } from '@millrace/sdk/testing'
import { cronSource } from '@millrace/cron-connector'
import type { CronSourceOptions } from '@millrace/cron-connector'

/** Noon of a day without surprises. */
export const noon = Date.UTC(2026, 10, 25, 12)

/** A cron function; keys without a dot are taken as Millrace's own annotations, but for `schedule`. */
export const cronFunction = (
  name: string,
  annotations: Readonly<Record<string, string>>,
  topics: readonly string[] = ['cron-function'],
): FunctionDeclaration => ({
  function: `${name}.openfaas-fn`,
  name,
  namespace: 'openfaas-fn',
  topics,
  annotations: new Map(
    Object.entries(annotations).map(([key, value]) => [key === 'schedule' ? key : `com.openfaas.connector.${key}`, value]),
  ),
  revision: '1',
})

const silent: Logger = { trace() {}, debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

/** One start of the connector over a given state: everything around the source, nothing of HTTP. */
export interface Rig {
  readonly session: Session
  readonly clock: ManualClock
  readonly state: StateStore
  /** In order of `emit`. */
  readonly emitted: Delivery[]
  readonly problems: readonly AnnotationProblem[]
  /** Functions come, change and go as in one listing. */
  list(...functions: readonly FunctionDeclaration[]): Promise<void>
  /** Lets time pass, second by second. */
  pass(seconds: number): Promise<void>
  /** Scheduled times of what was emitted, as HH:MM:SS. */
  times(): string[]
  /** As `kill -9`: nothing of this start happens any more. */
  kill(): void
}

export interface RigOptions extends CronSourceOptions {
  readonly clock?: ManualClock
  readonly state?: StateStore
  readonly functions?: readonly FunctionDeclaration[]
}

/** Lets promises and immediates run until nothing is left to do. */
export const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 6; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

export const header = (delivery: Delivery | undefined, name: string): string | undefined => {
  const value = delivery?.event.attributes?.find(([key]) => key === name)?.[1]
  return typeof value === 'string' ? value : undefined
}

/** A store that a killed process no longer reaches. */
const severable = (state: StateStore): { readonly store: StateStore; sever(): void } => {
  let alive = true
  const never = new Promise<never>(() => undefined)
  return {
    store: {
      get: (key) => (alive ? state.get(key) : never),
      put: (key, value, expected) => (alive ? state.put(key, value, expected) : never),
      delete: (key, expected) => (alive ? state.delete(key, expected) : never),
      keys: (prefix) => (alive ? state.keys(prefix) : never),
      lease: (key, ttlMs) => (alive ? state.lease(key, ttlMs) : never),
      close: () => state.close(),
    },
    sever: () => {
      alive = false
    },
  }
}

const diff = (before: ReadonlyMap<string, FunctionDeclaration>, after: ReadonlyMap<string, FunctionDeclaration>): FunctionsChange => ({
  added: [...after.values()].filter((item) => !before.has(item.function)),
  changed: [...after.values()].flatMap((item) => {
    const old = before.get(item.function)
    return old === undefined || old === item ? [] : [{ before: old, after: item }]
  }),
  removed: [...before.values()].filter((item) => !after.has(item.function)),
})

/** Connects a cron source. Time starts at noon. */
export const rig = async ({
  clock = manualClock(noon),
  state = memoryState({ clock }),
  functions = [],
  ...options
}: RigOptions = {}): Promise<Rig> => {
  let current = new Map(functions.map((item) => [item.function, item]))
  const listeners = new Set<(change: FunctionsChange) => void>()
  const emitted: Delivery[] = []
  const link = severable(state)
  const aborter = new AbortController()
  let alive = true
  const guarded: Clock = {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    after: (ms, run) => clock.after(ms, () => (alive ? run() : undefined)),
  }
  const made: { problems: readonly AnnotationProblem[] } = { problems: [] }
  const context: SourceContext = {
    functions: {
      snapshot: () => [...current.values()],
      get: (name) => current.get(name),
      subscribe: (listener) => {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      },
    },
    emit: (delivery) => void (alive && emitted.push(delivery)),
    accept: () => Promise.reject(new Error('cron has no spool')),
    revoke: () => Promise.resolve(),
    reportProblems: (problems) => (made.problems = problems),
    state: link.store,
    metrics: noMetrics,
    clock: guarded,
    draining: aborter.signal,
    signal: aborter.signal,
    logger: silent,
  }
  const session = await cronSource(options).connect(context)
  await settled()
  return {
    session,
    clock,
    state,
    emitted,
    get problems() {
      return made.problems
    },
    async list(...next) {
      const after = new Map(next.map((item) => [item.function, item]))
      const change = diff(current, after)
      current = after
      for (const listener of listeners) listener(change)
      await settled()
      await clock.advanceAsync(0)
      await settled()
    },
    async pass(seconds) {
      for (let second = 0; second < seconds; second += 1) await clock.advanceAsync(1000)
      await settled()
    },
    times: () => emitted.map(({ event }) => new Date(event.time ?? 0).toISOString().slice(11, 19)),
    kill() {
      alive = false
      link.sever()
      aborter.abort()
    },
  }
}
