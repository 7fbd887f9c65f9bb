import type { MillraceEvent } from '@millrace/sdk'
import { Engine } from '../../packages/sdk/src/core/delivery/engine.ts'
import { defaultLimits, defaultTimes } from '../../packages/sdk/src/core/delivery/engine-options.ts'
import { defaultPolicy } from '../../packages/sdk/src/core/function-policy.ts'
import { systemClock } from '../../packages/sdk/src/ports/system-clock.ts'

/** What a timed engine is made of. */
export interface TimedEngineOptions {
  /** Requests in flight. */
  readonly slots: number
  /** What the function takes for this event, milliseconds. */
  waitMs(event: MillraceEvent): number
  onStart?(): void
  onEnd?(): void
  pause(intake: string | undefined): void
  resume(intake: string | undefined): void
}

const reply = { status: 200, headers: {}, body: new Uint8Array(0), truncated: false }

/** The delivery core with one function at order `key`, and a timer in place of the request: what it adds to the work itself. */
export const timedEngine = (options: TimedEngineOptions): Engine => {
  const policy = { ...defaultPolicy, function: 'f', revision: '1', order: 'key' as const, concurrency: options.slots }
  return new Engine(
    {
      clock: systemClock,
      random: Math.random,
      invoker: {
        invoke: ({ event }, finish) => {
          options.onStart?.()
          const timer = setTimeout(() => {
            options.onEnd?.()
            finish({ kind: 'response', reply, durationMs: 0 })
          }, options.waitMs(event))
          return { abort: () => clearTimeout(timer) }
        },
      },
      observer: {},
      source: { position: 'prefix' },
      deadLetters: undefined,
      limits: { ...defaultLimits, maxInFlight: options.slots },
      times: defaultTimes,
      unmatched: 'ack',
      wantReply: () => false,
      pause: (intake) => options.pause(intake),
      resume: (intake) => options.resume(intake),
    },
    { match: () => [{ policy }], get: () => ({ policy }) },
  )
}
