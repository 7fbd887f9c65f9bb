import { printable } from '@millrace/sdk'

/** A value, or one sentence that says why there is none. Nothing that reads annotations throws. */
export type Result<T> = { readonly value: T } | { readonly problem: string }

/** The text of an annotation, fit for a sentence: quoted, at most `max` characters, control characters escaped. */
export const quote = (text: string, max = 60): string => `"${printable(text, max)}"`
