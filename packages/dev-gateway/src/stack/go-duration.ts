import { parseGoDuration } from '@millrace/sdk'

/** Milliseconds of a Go duration (`1m30s`, `500ms`), or of a bare number of seconds as the watchdog reads it. Undefined: neither. */
export const goDuration = (text: string): number | undefined => (/^\d+$/.test(text) ? Number(text) * 1000 : parseGoDuration(text))
