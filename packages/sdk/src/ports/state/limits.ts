import { MillraceError } from '../../core/errors.ts'

/** Bytes of UTF-8. */
export const MAX_KEY_BYTES: number = 512
/** Bytes. */
export const MAX_VALUE_BYTES: number = 1 << 20

/** @throws MillraceError `E_STATE_LIMIT` */
export const checkLimits = (key: string, value?: Uint8Array | string): void => {
  const size = Buffer.byteLength(key)
  if (size > MAX_KEY_BYTES) throw new MillraceError('E_STATE_LIMIT', { what: 'A state key', size, limit: MAX_KEY_BYTES })
  if (value === undefined) return
  const length = typeof value === 'string' ? Buffer.byteLength(value) : value.length
  if (length > MAX_VALUE_BYTES) throw new MillraceError('E_STATE_LIMIT', { what: 'A state value', size: length, limit: MAX_VALUE_BYTES })
}

const TEN_YEARS = 10 * 365 * 86_400_000

/** Whole milliseconds from 1 to ten years. */
export const boundedTtl = (ttlMs: number): number => (ttlMs >= 1 ? Math.min(Math.ceil(ttlMs), TEN_YEARS) : 1)

/** Of a store's limit, how much puts with a time to live may fill: marks must not take the room of cursors. */
export const TTL_SHARE: number = 0.75

/** @throws MillraceError `E_STATE_LIMIT` */
export const checkTotal = (size: number, limit: number, isPermanent: boolean): void => {
  const allowed = isPermanent ? limit : Math.floor(limit * TTL_SHARE)
  if (size <= allowed) return
  const what = isPermanent ? 'The whole state' : 'The whole state, for one more key with a time to live,'
  throw new MillraceError('E_STATE_LIMIT', { what, size, limit: allowed })
}
