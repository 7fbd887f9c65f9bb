import type { DeliveryObserver } from '../core/delivery/observer.ts'
import { describeError } from '../core/errors.ts'
import type { Logger } from '../contract/logger.ts'
import type { Listeners } from './connector-events.ts'

type Method = keyof DeliveryObserver

const methods: readonly Method[] = [
  'received',
  'unmatched',
  'attemptStarted',
  'attemptFinished',
  'headersDropped',
  'routeSettled',
  'acknowledged',
  'released',
  'fenced',
  'deadLetterWritten',
  'deadLetterFailed',
  'held',
  'ackFailed',
  'breakerChanged',
  'intakePaused',
  'intakeResumed',
]

/** One observer out of several. One that throws is logged and never stops a delivery or the other observers. */
export const combineObservers = (observers: readonly DeliveryObserver[], logger: Logger): DeliveryObserver => {
  const combined: Record<string, unknown> = {}
  for (const method of methods) {
    const calls = observers.flatMap((observer) => {
      const call = observer[method] as ((...given: unknown[]) => void) | undefined
      return call === undefined ? [] : [call.bind(observer)]
    })
    if (calls.length === 0) continue
    // Three is the most that an observer is told at once. A rest parameter would be one more array for every call of every event.
    combined[method] = (first: unknown, second: unknown, third: unknown): void => {
      for (const call of calls) {
        try {
          call(first, second, third)
        } catch (error) {
          logger.error('an observer threw', { method, error: describeError(error) })
        }
      }
    }
  }
  return combined
}

/** Tells the connector's listeners what the delivery core reports. */
export const eventsObserver = (listeners: Listeners): DeliveryObserver => ({
  received: (event, intake) => {
    if (listeners.has('event:received')) listeners.emit('event:received', { event, intake })
  },
  unmatched: (event, policy) => listeners.emit('event:unmatched', { event, policy }),
  attemptStarted: (event, name, attempt) => {
    if (listeners.has('attempt:started')) listeners.emit('attempt:started', { event, function: name, attempt })
  },
  attemptFinished: (report) => listeners.emit('attempt:finished', report),
  routeSettled: (event, result) => {
    if (listeners.has('route:settled')) listeners.emit('route:settled', { event, result })
  },
  acknowledged: (event, settlement, tookMs) => {
    if (listeners.has('event:acknowledged')) listeners.emit('event:acknowledged', { event, settlement, tookMs })
  },
  released: (event, reason) => listeners.emit('event:released', { event, reason }),
  ackFailed: (event, error) => listeners.emit('event:ack-failed', { event, error }),
  deadLetterWritten: (letter) => listeners.emit('dead-letter:written', { letter }),
  deadLetterFailed: (letter, error, retryMs) => listeners.emit('dead-letter:failed', { letter, error, retryMs }),
  breakerChanged: (scope, state, why) => listeners.emit('breaker:changed', { scope, state, why }),
})
