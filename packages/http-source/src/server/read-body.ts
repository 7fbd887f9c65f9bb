import type { IncomingMessage } from 'node:http'
import { Problem } from '../problem.ts'

/** Bytes of bodies that are being received, over all requests: connections times the largest body would be far too much. */
export interface ByteBudget {
  /** False: there is no room. */
  take(bytes: number): boolean
  give(bytes: number): void
}

export const byteBudget = (limit: number): ByteBudget => {
  let used = 0
  return {
    take(bytes) {
      if (used + bytes > limit) return false
      used += bytes
      return true
    },
    give(bytes) {
      used -= bytes
    },
  }
}

export interface ReadBodyOptions {
  readonly maxBytes: number
  readonly budget: ByteBudget
  /** Aborts when the source closes. */
  readonly signal: AbortSignal
}

/** A body, which holds its part of the budget until `free` is called. */
export interface HeldBody {
  readonly bytes: Uint8Array
  free(): void
}

const tooLarge = (limit: number): Problem =>
  new Problem('too-large', {
    detail: `The body has more than ${limit} bytes.`,
    fix: 'Send less: store the data elsewhere and send where it is. Or raise events_max_body.',
  })

const noRoom = (): Problem =>
  new Problem(
    'back-pressure',
    { detail: 'Too many bodies are being received.', fix: 'Send it again after Retry-After.' },
    { 'retry-after': '1' },
  )

const closing = (): Problem =>
  new Problem('not-ready', { detail: 'The connector stops.', fix: 'Send it again after Retry-After.' }, { 'retry-after': '5' })

const cutShort = (): Problem => new Problem('bad-request', { detail: 'The body ended too early.', fix: 'Send it again.' })

/**
 * Refuses a body by its declared length, before any of it is asked for.
 *
 * @throws Problem `too-large`
 */
export const checkDeclaredLength = (request: IncomingMessage, maxBytes: number): void => {
  const declared = request.headers['content-length']
  if (declared !== undefined && Number(declared) > maxBytes) throw tooLarge(maxBytes)
}

/**
 * Receives a body.
 *
 * @throws Problem `too-large`, `back-pressure`, `not-ready`, `bad-request`; nothing of the budget is held then
 */
export const readBody = (request: IncomingMessage, { maxBytes, budget, signal }: ReadBodyOptions): Promise<HeldBody> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    const free = (): void => {
      budget.give(length)
      length = 0
    }
    const stop = (): void => {
      signal.removeEventListener('abort', onAbort)
      request.off('data', onData).off('end', onEnd).off('close', onClose)
    }
    const fail = (problem: Problem): void => {
      stop()
      chunks.length = 0
      free()
      reject(problem)
    }
    const onAbort = (): void => fail(closing())
    const onClose = (): void => fail(cutShort())
    const onData = (chunk: Buffer): void => {
      if (length + chunk.length > maxBytes) fail(tooLarge(maxBytes))
      else if (!budget.take(chunk.length)) fail(noRoom())
      else {
        length += chunk.length
        chunks.push(chunk)
      }
    }
    const onEnd = (): void => {
      stop()
      // A copy always: a small chunk would keep the whole buffer of its socket alive for as long as the event waits.
      resolve({ bytes: Buffer.concat(chunks, length), free })
    }
    if (signal.aborted) return onAbort()
    if (request.destroyed) return onClose()
    signal.addEventListener('abort', onAbort)
    // The listener for errors stays: a request that breaks later has no other.
    request
      .on('error', () => {})
      .on('data', onData)
      .once('end', onEnd)
      .once('close', onClose)
  })
