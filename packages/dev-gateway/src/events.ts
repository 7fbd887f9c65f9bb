import { EventEmitter } from 'node:events'

/** One call of a function, as it ended. */
export interface Invocation {
  /** `NAME` or `NAME.NAMESPACE` as called. */
  readonly function: string
  readonly method: string
  /** `X-Topic`, `X-Event-Id` and `X-Delivery-Attempt` of the caller. */
  readonly topic?: string
  readonly eventId?: string
  readonly attempt?: number
  /** Absent when the connection was broken instead of answered. */
  readonly status?: number
  readonly durationMs: number
  /** The rule of the fault plan that met it. */
  readonly fault?: string
  /** The call was queued at `/async-function/`. */
  readonly queued: boolean
}

/** What a dev gateway tells, with one object each. */
export interface DevGatewayEvents {
  /** A call has ended. */
  'function:invoked': Invocation
  /** A function wrote a line. */
  'function:output': { readonly function: string; readonly stream: 'stdout' | 'stderr'; readonly line: string }
  /** A function's thread ended, or its code cannot be loaded; it is started again. */
  'function:crashed': { readonly function: string; readonly reason: string }
  /** A handler threw: OpenFaaS' own Node template answers 200 with the error's text then, this gateway 500. */
  'function:threw': { readonly function: string }
  /** An asynchronous call or its callback could not be delivered. */
  'async:failed': { readonly what: string; readonly reason: string }
  /** Stack and fault plan were read again. */
  'stack:reloaded': { readonly functions: number; readonly changed: readonly string[]; readonly warnings: readonly string[] }
  /** They could not be read: the last good ones stay. */
  'stack:refused': { readonly error: Error }
  /** A listener threw. */
  'listener:failed': { readonly event: string; readonly error: unknown }
}

export type DevGatewayEvent = keyof DevGatewayEvents

/** Subscribing to a dev gateway. */
export interface DevGatewayEmitter {
  /** Returns the way to stop. A listener that throws is reported as `listener:failed` and harms nobody. */
  on<E extends DevGatewayEvent>(event: E, listener: (payload: DevGatewayEvents[E]) => void): () => void
}

/** The emitting side. */
export interface EventBus extends DevGatewayEmitter {
  emit<E extends DevGatewayEvent>(event: E, payload: DevGatewayEvents[E]): void
}

export const createEventBus = (): EventBus => {
  const emitter = new EventEmitter()
  const bus: EventBus = {
    on(event, listener) {
      const safe = (payload: DevGatewayEvents[typeof event]): void => {
        try {
          listener(payload)
        } catch (error) {
          if (event !== 'listener:failed') bus.emit('listener:failed', { event, error })
        }
      }
      emitter.on(event, safe)
      return () => void emitter.off(event, safe)
    },
    emit: (event, payload) => void emitter.emit(event, payload),
  }
  return bus
}
