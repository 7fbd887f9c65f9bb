import type { HeaderField, MillraceEvent } from '../contract/event.ts'
import type { Clock } from '../contract/clock.ts'
import type { RouteResult } from '../contract/delivery.ts'
import { randomUUID } from 'node:crypto'
import type { Engine } from '../core/delivery/engine.ts'
import { MillraceError } from '../core/errors.ts'

/** How `invoke` calls. */
export interface InvokeOptions {
  /** Forwarded to the functions by the rules of the header codec. */
  readonly headers?: Readonly<Record<string, string>>
  readonly contentType?: string
  /** @default a random UUID */
  readonly id?: string
  readonly orderingKey?: string
  /** How long to wait for the results, retries included. The delivery goes on when it has passed. @default 120000 */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** What one function made of it. `outcome` is `done`, `accepted`, `filtered`, `failed` or `dropped`. */
export interface InvokeResult extends Omit<RouteResult, 'target'> {
  readonly function: string
  readonly attempts: number
}

const empty = {} as const
/** No topic or queue is likely to have this name: it would share its bounds with the callers. */
const intake = 'connector.invoke()'

/**
 * One event from a program, through the same lanes, limits, breakers and retries as every other. An event that no
 * function wants has no results; what would be a dead letter is `failed`, since the caller has the event.
 *
 * @throws MillraceError `E_INVOKE_FULL` at the bounds of the delivery core, `E_INVOKE_TIMEOUT`, `E_INVOKE_RELEASED`; the signal's reason when it aborts
 */
export const invokeTopic = (
  engine: Engine,
  parts: { readonly clock: Clock },
  topic: string,
  body: string | Uint8Array,
  options: InvokeOptions,
): Promise<readonly InvokeResult[]> => {
  // There is no broker to pause: whoever is faster than the functions must be told.
  if (engine.full(intake)) return Promise.reject(new MillraceError('E_INVOKE_FULL', { topic: topic.slice(0, 200) }))
  const { clock } = parts
  const { signal, timeoutMs = 120_000 } = options
  const headers: HeaderField[] = Object.entries(options.headers ?? empty)
  const event: MillraceEvent = {
    id: options.id ?? randomUUID(),
    source: '/invoke',
    type: 'com.openfaas.connector.invoke',
    topic,
    time: clock.now(),
    data: typeof body === 'string' ? Buffer.from(body) : body,
    headers,
    ...(options.contentType !== undefined && { contentType: options.contentType }),
    ...(options.orderingKey !== undefined && { orderingKey: options.orderingKey }),
  }
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      timer.cancel()
      signal?.removeEventListener('abort', onAbort)
      settle()
    }
    const onAbort = (): void => end(() => reject(signal?.reason as Error))
    const timer = clock.after(timeoutMs, () =>
      end(() => reject(new MillraceError('E_INVOKE_TIMEOUT', { topic: topic.slice(0, 200), id: event.id, timeoutMs }))),
    )
    if (signal?.aborted === true) return onAbort()
    signal?.addEventListener('abort', onAbort)
    engine.accept(
      {
        event,
        intake,
        ack: ({ results }) =>
          end(() => resolve(results.map(({ target, ...result }) => ({ ...result, function: target.function, attempts: target.attempts })))),
        release: (reason) =>
          end(() => reject(new MillraceError('E_INVOKE_RELEASED', { topic: topic.slice(0, 200), id: event.id, reason }))),
      },
      'answer',
    )
  })
}
