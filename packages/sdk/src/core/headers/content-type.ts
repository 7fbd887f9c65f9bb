const tchar = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]"
const quoted = '"(?:[\\t \\x21\\x23-\\x5B\\x5D-\\x7E]|\\\\[\\t\\x20-\\x7E])*"'

/** RFC 9110 section 8.3.1. Blanks before a semicolon belong to what stands before them, so there is one way only to read a text: no backtracking. */
const mediaType = new RegExp(`^${tchar}+/${tchar}+[ \\t]*(?:;[ \\t]*(?:${tchar}+=(?:${tchar}+|${quoted})[ \\t]*)?)*$`)

/** Longest content type that is sent. */
export const MAX_CONTENT_TYPE = 256

/** True for a media type of RFC 9110, at most 256 characters. Percent-encoding would corrupt it, so another one is not sent. */
export const isContentType = (value: string): boolean => value.length <= MAX_CONTENT_TYPE && mediaType.test(value)
