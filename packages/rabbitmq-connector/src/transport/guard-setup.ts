import type { ChannelModel } from './amqplib.ts'

/** What is done with a fresh connection before amqplib's recovery takes it over. `lost` aborts when the connection goes meanwhile. */
export type Setup = (model: ChannelModel, lost: AbortSignal) => Promise<void>

/**
 * Makes a `setup` safe for the recovery of amqplib 2.3.1, which listens to a connection only after `setup` has resolved, and waits without
 * end for the close of one whose `setup` failed (docs/rabbitmq-faults.md, holes 1 and 2).
 *
 * - A connection that is lost during `setup` rejects it, instead of ending the process or being taken over dead.
 * - After a failure it waits until the connection is closed, by the broker or by its heartbeat (which must be on): recovery's own close then
 *   fails at once, and the next attempt is made.
 *
 * The body of a lost setup goes on until it looks at `lost`.
 */
export const guardSetup = (body: Setup): ((model: ChannelModel) => Promise<void>) => {
  return async (model) => {
    const lost = new AbortController()
    const closed = new Promise<void>((resolve) => {
      model.once('close', (cause?: Error) => {
        lost.abort(cause ?? new Error('connection closed during setup'))
        resolve()
      })
    })
    // Nobody else listens yet, and an `error` without a listener ends the process; `close` follows and is the signal.
    model.on('error', () => {})
    const failIfLost = closed.then(() => lost.signal.throwIfAborted())
    try {
      await Promise.race([body(model, lost.signal), failIfLost])
      // The close may have come in the same read as the last reply.
      lost.signal.throwIfAborted()
    } catch (error) {
      // Settles on the broker's close-ok alone, or at once where the connection was dead before we could listen: then no `close` comes.
      await Promise.race([closed, model.close().catch(() => {})])
      throw error
    }
  }
}
