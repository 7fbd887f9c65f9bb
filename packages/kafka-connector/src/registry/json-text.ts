/** In V8 since 11.4, not yet in TypeScript's library: https://tc39.es/proposal-json-parse-with-source/ */
const { rawJSON } = JSON as unknown as { rawJSON(this: void, text: string): unknown }

/** JSON of a decoded value: 64-bit integers keep all their digits, bytes are base64, and numbers that JSON has not are text. */
export const toJsonBytes = (value: unknown): Buffer =>
  Buffer.from(
    JSON.stringify(value, (_key, part: unknown) => {
      if (typeof part === 'bigint') return rawJSON(part.toString())
      return typeof part === 'number' && !Number.isFinite(part) ? String(part) : part
    }),
  )
