import type { DeadLetter } from '../../../src/contract/dead-letter.ts'
import type { Delivery, ReleaseReason, Settlement } from '../../../src/contract/delivery.ts'
import type { AttemptRequest, AttemptResult, Invoker } from '../../../src/core/attempt.ts'
import { Engine } from '../../../src/core/delivery/engine.ts'
import { defaultLimits, defaultTimes, type EngineOptions, type RoutingTable } from '../../../src/core/delivery/engine-options.ts'
import type { AttemptReport } from '../../../src/core/delivery/observer.ts'
import { defaultPolicy, type FunctionPolicy } from '../../../src/core/function-policy.ts'
import { manualClock, type ManualClock } from '../../../src/testing/manual-clock.ts'

/** One request that the engine has sent and that the test answers. */
export interface Call {
  readonly request: AttemptRequest
  readonly at: number
  open: boolean
  aborted: boolean
  reply(status: number, headers?: Record<string, string>, body?: string): void
  answer(result: AttemptResult): void
  fail(cause: Extract<AttemptResult, { kind: 'failure' }>['cause']): void
}

export interface Seen {
  readonly id: string
  acked: Settlement[]
  released: ReleaseReason[]
}

export interface Harness {
  readonly engine: Engine
  readonly clock: ManualClock
  readonly calls: Call[]
  /** Calls without an answer. */
  open(): Call[]
  readonly reports: AttemptReport[]
  readonly letters: DeadLetter[]
  readonly paused: (string | undefined)[]
  readonly resumed: (string | undefined)[]
  readonly breakers: string[]
  readonly seen: Map<string, Seen>
  emit(id: string, more?: Partial<Delivery> & { topic?: string; key?: string; data?: Uint8Array }): Seen
  setPolicies(policies: readonly FunctionPolicy[]): void
}

export const policy = (name: string, more: Partial<FunctionPolicy> = {}): FunctionPolicy => ({
  ...defaultPolicy,
  function: name,
  revision: '1',
  ...more,
  retry: { ...defaultPolicy.retry, jitter: 'none', ...more.retry },
})

/** Topic `t` reaches every function; any other topic reaches the function of that name. */
export const tableOf = (policies: readonly FunctionPolicy[]): RoutingTable => {
  const mapped = policies.map((p) => ({ policy: p }))
  return {
    match: (topic) => (topic === 't' ? mapped : mapped.filter((m) => m.policy.function === topic)),
    get: (name) => mapped.find((m) => m.policy.function === name),
  }
}

const reply = (status: number, headers: Record<string, string> = {}, body = ''): AttemptResult => ({
  kind: 'response',
  reply: { status, headers, body: Buffer.from(body), truncated: false },
  durationMs: 1,
})

export const harness = (policies: readonly FunctionPolicy[], more: Partial<EngineOptions> = {}): Harness => {
  const clock = manualClock(1_700_000_000_000)
  const calls: Call[] = []
  const [reports, letters, breakers]: [AttemptReport[], DeadLetter[], string[]] = [[], [], []]
  const [paused, resumed]: [(string | undefined)[], (string | undefined)[]] = [[], []]
  const seen = new Map<string, Seen>()
  const invoker: Invoker = {
    invoke: (request, done) => {
      const answer = (result: AttemptResult): void => {
        if (!call.open) throw new Error('answered twice')
        call.open = false
        done(result)
      }
      const call: Call = {
        request,
        at: clock.monotonic(),
        open: true,
        aborted: false,
        reply: (status, headers, body) => answer(reply(status, headers, body)),
        answer,
        fail: (cause) => answer({ kind: 'failure', cause, detail: 'planted', durationMs: 1 }),
      }
      calls.push(call)
      return {
        abort: () => {
          call.aborted = true
          if (call.open) answer({ kind: 'aborted' })
        },
      }
    },
  }
  const engine = new Engine(
    {
      clock,
      random: () => 0.5,
      invoker,
      observer: {
        attemptFinished: (report) => reports.push(report),
        breakerChanged: (scope, state) => breakers.push(`${scope === 'gateway' ? scope : scope.function} ${state}`),
      },
      source: {},
      deadLetters: { name: 'test', write: async (letter) => void letters.push(letter) },
      limits: defaultLimits,
      times: defaultTimes,
      unmatched: 'ack',
      wantReply: () => false,
      pause: (intake) => paused.push(intake),
      resume: (intake) => resumed.push(intake),
      ...more,
    },
    tableOf(policies),
  )
  const emit: Harness['emit'] = (id, { topic = 't', key, data = new Uint8Array(0), ...delivery } = {}) => {
    const record: Seen = seen.get(id) ?? { id, acked: [], released: [] }
    seen.set(id, record)
    engine.accept({
      event: { id, source: 'test', type: 'test', topic, data, headers: [], ...(key !== undefined && { orderingKey: key }) },
      intake: 'p0',
      ack: (settlement) => void record.acked.push(settlement),
      release: (reason) => void record.released.push(reason),
      ...delivery,
    })
    return record
  }
  const setPolicies: Harness['setPolicies'] = (next) =>
    engine.setMap(tableOf(next), {
      added: [],
      changed: next.map((p) => ({ before: declaration(p), after: declaration(p) })),
      removed: policies.filter((p) => !next.some((n) => n.function === p.function)).map(declaration),
    })
  return {
    engine,
    clock,
    calls,
    open: () => calls.filter((c) => c.open),
    reports,
    letters,
    paused,
    resumed,
    breakers,
    seen,
    emit,
    setPolicies,
  }
}

const declaration = (p: FunctionPolicy) => ({
  function: p.function,
  name: p.function,
  topics: ['t'],
  annotations: new Map<string, string>(),
  revision: p.revision,
})

/** Lets promises that need no timer settle. */
export const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve()
}
