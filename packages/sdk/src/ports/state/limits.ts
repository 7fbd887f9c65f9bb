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
