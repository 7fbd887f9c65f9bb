/**
 * `promise`, or a rejection after `ms` milliseconds. What it settles with later is dropped, so it never is an unhandled rejection.
 *
 * The timer is Node's own and keeps the process alive: amqplib leaves promises pending whose sockets do not.
 */
export const withDeadline = <T>(promise: Promise<T>, ms: number, what: string): Promise<T> =>
  new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer to ${what} within ${ms} ms`)), ms)
    const settle =
      <V>(then: (value: V) => void) =>
      (value: V): void => {
        clearTimeout(timer)
        then(value)
      }
    promise.then(settle(resolve), settle(reject))
  })

/** Waits for `promise` at most `ms` milliseconds, whatever becomes of it. */
export const atMost = async (promise: Promise<unknown>, ms: number): Promise<void> => {
  await withDeadline(promise, ms, '').catch(() => {})
}
