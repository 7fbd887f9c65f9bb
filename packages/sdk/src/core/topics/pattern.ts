/** Longest topic or pattern, in characters. AMQP's short string (255 bytes) is the longest name of the brokers served; Kafka has 249. */
export const MAX_TOPIC_LENGTH = 255

/** Most `#` (and `>`) in one pattern: it bounds how many places of a pattern can be open at once while a topic is matched. */
export const MAX_MANY_WILDCARDS = 8

/** A segment of a pattern: text to be equal, `one` segment of any kind, or `many` segments (also none). */
export type PatternSegment = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'one' } | { readonly kind: 'many' }

/** A topic of an annotation, exact or with wildcards. */
export interface TopicPattern {
  /** As written. */
  readonly text: string
  /** No wildcard in it: matched by equality alone. */
  readonly exact: boolean
  /** `>` is stored as `one, many`; adjacent `many` are one. */
  readonly segments: readonly PatternSegment[]
  /** A hint about something legal that is probably not meant. */
  readonly hint?: string
}

const ONE: PatternSegment = { kind: 'one' }
const MANY: PatternSegment = { kind: 'many' }

/** The segments of a topic. The empty topic has none; `a..b` has an empty one in the middle, which `*` matches. */
export const splitTopic = (topic: string): readonly string[] => (topic === '' ? [] : topic.split('.'))

const compile = (parts: readonly string[]): PatternSegment[] => {
  const segments: PatternSegment[] = []
  for (const part of parts) {
    if (part === '#') {
      if (segments.at(-1)?.kind !== 'many') segments.push(MANY)
    } else if (part === '*') segments.push(ONE)
    else if (part === '>') segments.push(ONE, MANY)
    else segments.push({ kind: 'text', text: part })
  }
  return segments
}

/**
 * Reads one topic of an annotation. Segments are parted by `.`; a whole segment may be `*` (one segment), `#` (zero or
 * more, anywhere) or, as the last one, `>` (one or more). Anywhere else these characters are plain text. No regular
 * expression, no escape.
 */
export const parseTopicPattern = (text: string): TopicPattern | { readonly problem: string } => {
  if (text === '') return { problem: 'a topic is not empty' }
  if (text.length > MAX_TOPIC_LENGTH) return { problem: `a topic has at most ${MAX_TOPIC_LENGTH} characters, this one ${text.length}` }
  if (/\p{Cc}/u.test(text)) return { problem: 'a topic holds no control characters' }
  const parts = splitTopic(text)
  const rest = parts.indexOf('>')
  if (rest >= 0 && rest < parts.length - 1) return { problem: '`>` stands for one or more segments and is the last one; inside use `#`' }
  const many = parts.filter((part) => part === '#' || part === '>').length
  if (many > MAX_MANY_WILDCARDS) return { problem: `a pattern has at most ${MAX_MANY_WILDCARDS} \`#\`, this one ${many}` }
  const wild = many > 0 || parts.includes('*')
  const glued = parts.some((part) => part.length > 1 && /[*#>]/.test(part))
  return {
    text,
    exact: !wild,
    segments: compile(parts),
    ...(glued ? { hint: 'a wildcard stands for a whole segment between dots; here it is plain text' } : {}),
  }
}

const matchesOne = (segment: PatternSegment | undefined, part: string): boolean =>
  segment !== undefined && (segment.kind === 'one' || (segment.kind === 'text' && segment.text === part))

/**
 * True when the pattern matches the topic. Steps at most segments × segments: only the last `many` is ever widened,
 * which is enough because every other segment takes exactly one part.
 */
export const matchesPattern = (pattern: TopicPattern, topic: string): boolean => {
  if (pattern.exact) return pattern.text === topic
  if (topic.length > MAX_TOPIC_LENGTH) return false
  const { segments } = pattern
  const parts = splitTopic(topic)
  let at = 0
  let open = -1
  let taken = 0
  for (let index = 0; index < parts.length;) {
    const segment = segments[at]
    if (segment?.kind === 'many') {
      open = at
      taken = index
      at += 1
    } else if (matchesOne(segment, parts[index] ?? '')) {
      at += 1
      index += 1
    } else if (open >= 0) {
      taken += 1
      index = taken
      at = open + 1
    } else return false
  }
  while (segments[at]?.kind === 'many') at += 1
  return at === segments.length
}
