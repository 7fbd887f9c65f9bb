import type { AttemptRequest, AttemptResult, Invoker } from '../../../src/core/attempt.ts'
import { systemClock } from '../../../src/ports/system-clock.ts'
import { createInvoker } from '../../../src/ports/gateway/invoker.ts'
import type { InvokerOptions } from '../../../src/ports/gateway/invoker.ts'
import { eventWith, kafkaCodec } from '../../core/headers/events.ts'

export type TestInvoker = Invoker & AsyncDisposable & { close(): Promise<void> }

export const testInvoker = (url: string, options: Partial<InvokerOptions> = {}): TestInvoker => {
  const invoker = createInvoker({ url, headers: kafkaCodec(), clock: systemClock, connections: 4, ...options })
  return {
    invoke: (request, done) => invoker.invoke(request, done),
    close: () => invoker.close(),
    [Symbol.asyncDispose]: () => invoker.close(),
  }
}

export const attempt = (given: Partial<AttemptRequest> = {}): AttemptRequest => ({
  event: eventWith({ data: Buffer.from('payload') }),
  function: 'echo.openfaas-fn',
  attempt: 1,
  async: false,
  timeoutMs: 5000,
  wantReply: false,
  ...given,
})

export const call = (invoker: Invoker, given: Partial<AttemptRequest> = {}): Promise<AttemptResult> =>
  new Promise((resolve) => void invoker.invoke(attempt(given), resolve))
