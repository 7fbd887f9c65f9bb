import type { Reply } from '../../contract/delivery.ts'
import type { IncomingHeaders } from './http-pool.ts'

type ReplyHeaders = Reply['headers']

const noHeaders: ReplyHeaders = Object.freeze(Object.create(null) as Record<string, string>)
const noBytes: Uint8Array = new Uint8Array(0)

/** A record without a prototype: names are the function's. */
const recordOf = (headers: IncomingHeaders): ReplyHeaders => {
  const record = Object.create(null) as Record<string, string | readonly string[]>
  for (const name of Object.keys(headers)) {
    const value = headers[name]
    if (value !== undefined) record[name] = value
  }
  return record
}

/** What is kept of a body that nobody asked for: enough to recognise a reply of the gateway's own and to show it. */
const unaskedBytes = 1024

/** Collects as much of one response as is wanted. */
export class ReplyCollector {
  readonly status: number
  readonly #headers: ReplyHeaders
  readonly #keep: number
  readonly #readMax: number
  #chunks: Uint8Array[] | undefined
  #kept = 0
  #read = 0

  /**
   * @param wanted the whole reply is wanted, up to `cap` bytes of body
   * @param noted the headers are, also of a success
   */
  constructor(status: number, headers: IncomingHeaders, wanted: boolean, noted: boolean, cap: number) {
    const failed = status < 200 || status > 299
    this.status = status
    this.#headers = wanted || noted || failed ? recordOf(headers) : noHeaders
    this.#keep = wanted ? cap : failed ? Math.min(unaskedBytes, cap) : 0
    this.#readMax = cap
  }

  /** Takes a chunk; false when the cap is passed and nothing more should be read. */
  take(chunk: Uint8Array): boolean {
    this.#read += chunk.byteLength
    const room = this.#keep - this.#kept
    if (room > 0) {
      const part = chunk.byteLength > room ? chunk.subarray(0, room) : chunk
      ;(this.#chunks ??= []).push(part)
      this.#kept += part.byteLength
    }
    return this.#read <= this.#readMax
  }

  /** The bytes are copied: a chunk is a window into a larger buffer of the socket. */
  reply(): Reply {
    const body = this.#chunks === undefined ? noBytes : new Uint8Array(Buffer.concat(this.#chunks))
    return { status: this.status, headers: this.#headers, body, truncated: this.#read > this.#kept }
  }
}
