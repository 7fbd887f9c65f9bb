import type { FakeCall, FakeFunctionSpec, FakeReply } from '@millrace/sdk/testing'
import { pauseFor } from './scope.ts'

/** One call of a function, as the gateway's side saw it. Times are epoch milliseconds. */
export interface SeenCall {
  readonly id: string
  readonly attempt: number
  readonly startedAt: number
  /** Absent while it runs. */
  endedAt?: number
}

/** What functions were called with. It lives with the gateway, so it survives whatever becomes of the connector. */
export class CallLog {
  readonly calls: SeenCall[] = []

  /** A function that writes down its calls. */
  function(
    annotations: Readonly<Record<string, string>>,
    work: (call: FakeCall) => FakeReply | Promise<FakeReply> = () => undefined,
  ): FakeFunctionSpec {
    return {
      annotations,
      handler: async (call) => {
        const seen: SeenCall = {
          id: call.header('x-event-id') ?? '',
          attempt: Number(call.header('x-delivery-attempt')),
          startedAt: Date.now(),
        }
        this.calls.push(seen)
        try {
          return await work(call)
        } finally {
          seen.endedAt = Date.now()
        }
      },
    }
  }

  /** Calls by event, in their order. */
  byId(): Map<string, SeenCall[]> {
    return Map.groupBy(this.calls, ({ id }) => id)
  }

  running(): number {
    return this.calls.filter(({ endedAt }) => endedAt === undefined).length
  }

  /** Acknowledged events that no function has seen. */
  lost(acknowledged: readonly string[]): string[] {
    const seen = this.byId()
    return acknowledged.filter((id) => !seen.has(id))
  }

  /** Calls beyond the first of their event. */
  repeats(): { readonly before: SeenCall; readonly again: SeenCall }[] {
    return [...this.byId().values()].flatMap((calls) => calls.slice(1).map((again, index) => ({ before: calls[index] as SeenCall, again })))
  }

  /**
   * Repeats that no kill explains: one must have happened before the second call, and at most `slackMs` before or after the first:
   * what was sent just before a kill is seen just after it, and a settlement takes a while to become durable.
   */
  unexplained(kills: readonly number[], slackMs: number): { readonly before: SeenCall; readonly again: SeenCall }[] {
    return this.repeats().filter(
      ({ before, again }) =>
        !kills.some((at) => at >= before.startedAt - slackMs && at <= again.startedAt && at <= (before.endedAt ?? Infinity) + slackMs),
    )
  }
}

/** A handler's work that takes from `min` to `max` milliseconds. */
export const takes = (min: number, max: number, random: () => number): (() => Promise<void>) => {
  return () => pauseFor(min + (max - min) * random())
}
