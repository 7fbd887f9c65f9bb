import { z } from 'zod'
import { parseGoDuration } from '../../core/duration.ts'

/** A value before it is understood: flags and environment give text, YAML also lists. */
export type RawValue = string | readonly string[]

export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string }

/** How the text of a setting becomes a value. */
export interface SettingType<T> {
  readonly kind: 'text' | 'url' | 'duration' | 'boolean' | 'integer' | 'size' | 'list' | 'choice' | 'path' | 'pem'
  /** For error messages and the docs: `a Go duration from 1ms to 24h`. */
  readonly allowed: string
  /** Never throws; the reason never quotes the value. */
  parse(this: void, raw: RawValue): Parsed<T>
}

type Kind = SettingType<unknown>['kind']

const single = z.string({ error: 'one value is expected, not a list' }).trim().min(1, 'it is empty')

const settingType = <T>(kind: Kind, allowed: string, schema: z.ZodType<T>): SettingType<T> => ({
  kind,
  allowed,
  parse(raw: RawValue): Parsed<T> {
    const result = schema.safeParse(raw)
    return result.success ? { ok: true, value: result.data } : { ok: false, reason: result.error.issues[0]?.message ?? 'it is not allowed' }
  },
})

/** `read` gives the value, or the reason why there is none. */
const converted = <T>(read: (text: string) => { readonly value: T } | string): z.ZodType<T> =>
  single.transform((text, context): T => {
    const outcome = read(text)
    if (typeof outcome !== 'string') return outcome.value
    context.addIssue({ code: 'custom', message: outcome })
    return z.NEVER
  })

// oxlint-disable-next-line no-control-regex
const control = /[\u0000-\u001F\u007F-\u009F]/

/** Any printable text of one line, trimmed. */
export const text = (
  options: { readonly pattern?: RegExp; readonly allowed?: string; readonly maxLength?: number } = {},
): SettingType<string> => {
  const { pattern, maxLength = 4096 } = options
  const allowed = options.allowed ?? `text of one line, at most ${maxLength} characters`
  const read = (value: string): { value: string } | string => {
    if (value.length > maxLength) return `it has ${value.length} characters, at most ${maxLength} are allowed`
    if (control.test(value)) return 'it has control characters'
    return pattern !== undefined && !pattern.test(value) ? 'it does not have the expected form' : { value }
  }
  return settingType('text', allowed, converted(read))
}

/** A path of a file or a directory. */
export const path = (allowed = 'a path'): SettingType<string> => ({ ...text({ allowed }), kind: 'path' })

/** `true`, `1`, `false` or `0`, nothing else: `yes` or `TRUE` would be false in existing connectors without a word. */
export const boolean = (): SettingType<boolean> => {
  const words = new Map([
    ['true', true],
    ['1', true],
    ['false', false],
    ['0', false],
  ])
  const read = (value: string): { value: boolean } | string => {
    const known = words.get(value)
    return known === undefined ? 'it is not a boolean' : { value: known }
  }
  return settingType('boolean', 'true, 1, false or 0', converted(read))
}

export const integer = (min: number, max: number): SettingType<number> => {
  const read = (value: string): { value: number } | string => {
    if (!/^[+-]?\d{1,16}$/.test(value)) return 'it is not a whole number'
    const number = Number(value)
    return number < min || number > max ? 'it is out of range' : { value: number }
  }
  return settingType('integer', `a whole number from ${min} to ${max}`, converted(read))
}

const milliseconds = (value: string): number => {
  const parsed = parseGoDuration(value)
  if (parsed === undefined) throw new RangeError(`not a duration: ${value}`)
  return parsed
}

/** A Go duration; the value is in milliseconds. A bare number is refused, since existing connectors read it in different ways. */
export const duration = (min: string, max: string): SettingType<number> => {
  const [least, most] = [milliseconds(min), milliseconds(max)]
  const read = (value: string): { value: number } | string => {
    const parsed = parseGoDuration(value)
    if (parsed === undefined) return /^\d+$/.test(value) ? 'the unit is missing' : 'it is not a duration'
    return parsed < least || parsed > most ? 'it is out of range' : { value: parsed }
  }
  return settingType('duration', `a Go duration from ${min} to ${max}, such as 300ms, 1.5h or 2m30s`, converted(read))
}

const units = new Map([
  ['', 1],
  ['b', 1],
  ['kb', 1e3],
  ['mb', 1e6],
  ['gb', 1e9],
  ['kib', 1024],
  ['mib', 1024 ** 2],
  ['gib', 1024 ** 3],
])

const bytes = (value: string): number | undefined => {
  const match = /^(\d{1,15}(?:\.\d{1,6})?) ?([a-z]{0,3})$/i.exec(value)
  const unit = units.get((match?.[2] ?? '').toLowerCase())
  return match === null || unit === undefined ? undefined : Math.floor(Number(match[1]) * unit)
}

/** A number of bytes, plain or with a unit. */
export const size = (min: string, max: string): SettingType<number> => {
  const [least, most] = [bytes(min) ?? 0, bytes(max) ?? Number.MAX_SAFE_INTEGER]
  const read = (value: string): { value: number } | string => {
    const parsed = bytes(value)
    if (parsed === undefined) return 'it is not a size'
    return parsed < least || parsed > most ? 'it is out of range' : { value: parsed }
  }
  return settingType('size', `bytes from ${min} to ${max}, such as 4096, 512KiB or 64MiB`, converted(read))
}

export const choice = <const T extends string>(values: readonly T[]): SettingType<T> => {
  const read = (value: string): { value: T } | string => {
    const found = values.find((candidate) => candidate === value)
    return found === undefined ? 'it is not one of these' : { value: found }
  }
  return settingType('choice', `one of ${values.join(', ')}`, converted(read))
}

/** A comma list or a YAML list; items are trimmed, empty and repeated ones dropped. */
export const list = (options: {
  readonly allowed: string
  readonly pattern?: RegExp
  readonly maxItems?: number
}): SettingType<readonly string[]> => {
  const { allowed, pattern, maxItems = 10_000 } = options
  const schema = z.union([z.string(), z.array(z.string())]).transform((raw, context): readonly string[] => {
    const parts = typeof raw === 'string' ? raw.split(',') : raw
    const items = [...new Set(parts.map((item) => item.trim()).filter((item) => item !== ''))]
    const bad = items.findIndex((item) => control.test(item) || item.length > 512 || (pattern !== undefined && !pattern.test(item)))
    if (bad >= 0) context.addIssue({ code: 'custom', message: `item ${bad + 1} does not have the expected form` })
    if (items.length > maxItems)
      context.addIssue({ code: 'custom', message: `it has ${items.length} items, at most ${maxItems} are allowed` })
    return items
  })
  return settingType('list', allowed, schema)
}

/** A URL without credentials, query or fragment. The value has no slash at its end. @param refuse the reason why another rule is broken */
export const url = (protocols: readonly string[], refuse?: (text: string) => string | undefined): SettingType<string> => {
  const read = (value: string): { value: string } | string => {
    if (!URL.canParse(value)) return 'it is not a URL'
    const parsed = new URL(value)
    if (!protocols.includes(parsed.protocol.slice(0, -1))) return 'the scheme is not allowed'
    if (parsed.username !== '' || parsed.password !== '') return 'it has a user name or password in it; credentials go into secret files'
    if (parsed.search !== '' || parsed.hash !== '') return 'it has a query or a fragment'
    return refuse?.(value) ?? { value: parsed.href.replace(/\/+$/, '') }
  }
  return settingType('url', `a URL with ${protocols.join(' or ')}, a host, and no user name, password, query or fragment`, converted(read))
}

/** PEM text: a certificate, a chain or a key. */
export const pem = (label: 'CERTIFICATE' | 'PRIVATE KEY'): SettingType<string> => {
  const read = (value: string): { value: string } | string =>
    new RegExp(`-----BEGIN [A-Z ]*${label}-----[^]+-----END [A-Z ]*${label}-----`).test(value) ? { value } : `it has no ${label} block`
  return settingType('pem', `PEM text with a ${label} block`, converted(read))
}
