import type { ChannelModel } from './amqplib.ts'

/** What amqplib 2.3.1 has inside (lib/connection.js). */
interface Inside {
  rest?: unknown
  recvFrame?: () => unknown
}

/** In place of headers that could not be decoded; known by being this very object. */
export const undecodable: Readonly<Record<string, never>> = Object.freeze({})

/** Of the property flags (AMQP 0-9-1, 4.2.6.1 and basic class): what comes before the headers, and the headers. */
const flags = { contentType: 0x8000, contentEncoding: 0x4000, headers: 0x2000 } as const
const headerFrame = 2
const frameHead = 7

/** The frame of `bytes` with an empty header table; `undefined`: it is no complete frame of properties, or has no headers. */
const withoutHeaders = (bytes: Buffer): { readonly frame: Buffer; readonly length: number } | undefined => {
  if (bytes.length < frameHead + 14 || bytes.readUInt8(0) !== headerFrame) return undefined
  const length = frameHead + bytes.readUInt32BE(3) + 1
  // Class, weight and size of the body come before the flags.
  const set = bytes.readUInt16BE(frameHead + 12)
  let table = frameHead + 14
  for (const flag of [flags.contentType, flags.contentEncoding]) if ((set & flag) !== 0) table += 1 + (bytes[table] ?? 0)
  if (bytes.length < length || (set & flags.headers) === 0 || table + 4 > length) return undefined
  const after = table + 4 + bytes.readUInt32BE(table)
  if (after >= length) return undefined
  const frame = Buffer.concat([bytes.subarray(0, table), Buffer.alloc(4), bytes.subarray(after, length)])
  frame.writeUInt32BE(frame.length - frameHead - 1, 3)
  return { frame, length }
}

/**
 * amqplib decodes nested tables by recursion. Headers nested some thousand deep, 30 KB that any producer can send, end it with a RangeError,
 * and that ends the connection: again and again, for every queue on it. With this, such a message comes with `undecodable` in place of its
 * headers, and with all its other properties.
 *
 * It replaces a method of amqplib's connection. False: amqplib has none of that name any more.
 */
export const fenceFrames = (model: ChannelModel): boolean => {
  const inside = model.connection as unknown as Inside
  const { recvFrame } = inside
  if (typeof recvFrame !== 'function' || !Buffer.isBuffer(inside.rest)) return false
  // It calls itself when it has read more: then the inner call is the one that has the whole frame.
  inside.recvFrame = () => {
    const before = inside.rest as Buffer
    try {
      return recvFrame.call(inside)
    } catch (error) {
      const bare = error instanceof RangeError || error instanceof TypeError ? withoutHeaders(before) : undefined
      const isConsumed = bare !== undefined && (inside.rest as Buffer).length === before.length - bare.length
      if (!isConsumed) throw error
      inside.rest = Buffer.concat([bare.frame, inside.rest as Buffer])
      const decoded = recvFrame.call(inside) as { fields: { headers: unknown } }
      decoded.fields.headers = undecodable
      return decoded
    }
  }
  return true
}
