import type { FunctionDeclaration, FunctionsChange, Session, Source, SourceContext, StateStore } from '@millrace/sdk'
import { manualClock, sourceConformance } from '@millrace/sdk/testing'
import { cronSource } from '@millrace/cron-connector'
import { decodeRecord } from '../src/run/record.ts'
import { cronFunction, noon } from './run/harness.ts'

const clock = manualClock(noon)
let declared: FunctionDeclaration[] = []
let stores: StateStore | undefined
let listeners = new Set<(change: FunctionsChange) => void>()
/** Ends what a killed process would still do. */
let cut: () => void = () => {}
let serial = 0

/** A clock publishes nothing: an event is a function with a schedule that runs once. So the source sees the harness's functions. */
const withOwnFunctions = (source: Source): Source => ({
  ...source,
  async connect(context: SourceContext): Promise<Session> {
    let alive = true
    cut = () => (alive = false)
    stores = context.state
    const never = new Promise<never>(() => undefined)
    const { state } = context
    return source.connect({
      ...context,
      functions: {
        snapshot: () => declared,
        get: (name) => declared.find((one) => one.function === name),
        subscribe: (listener) => {
          listeners.add(listener)
          return () => void listeners.delete(listener)
        },
      },
      clock: {
        now: () => clock.now(),
        monotonic: () => clock.monotonic(),
        after: (ms, run) => clock.after(ms, () => (alive ? run() : undefined)),
      },
      emit: (delivery) => (alive ? context.emit(delivery) : undefined),
      state: {
        get: (key) => (alive ? state.get(key) : never),
        put: (key, value, expected) => (alive ? state.put(key, value, expected) : never),
        delete: (key, expected) => (alive ? state.delete(key, expected) : never),
        keys: (prefix) => (alive ? state.keys(prefix) : never),
        lease: (key, ttlMs) => (alive ? state.lease(key, ttlMs) : never),
        close: () => state.close(),
      },
    })
  },
})

const settledSlots = async (): Promise<number> => {
  let count = 0
  for (const key of (await stores?.keys('cron:')) ?? []) {
    const stored = await stores?.get(key)
    const record = stored === undefined ? undefined : decodeRecord(stored.value)
    if (record !== undefined && 'value' in record) count += record.value.runs - record.value.open.size
  }
  return count
}

sourceConformance({
  name: 'cron',
  setup() {
    declared = []
    listeners = new Set()
  },
  create: () => withOwnFunctions(cronSource()),
  publish(events) {
    const added = events.map(({ text }) => {
      serial += 1
      return cronFunction(`event-${serial}`, {
        schedule: '* * * * * *',
        'max-runs': '1',
        payload: text,
        'catch-up': 'all',
        'catch-up-window': '24h',
      })
    })
    declared = [...declared, ...added]
    for (const listener of listeners) listener({ added, changed: [], removed: [] })
  },
  kill: () => cut(),
  position: settledSlots,
  durable: true,
  ordered: false,
  clock,
  tick: (ms) => clock.advanceAsync(Math.max(ms, 250)),
})
