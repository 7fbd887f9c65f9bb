import { createHash } from 'node:crypto'

/** What a template is filled with. */
export interface LetterPlace {
  /** Of the record that died. */
  readonly topic: string
  readonly group: string
  /** Absent where no function was involved: `none` then. */
  readonly function?: string
}

/** Names of dead-letter topics. */
export interface TopicTemplate {
  readonly text: string
  /** Always a legal name, and the same for the same place. */
  topicFor(place: LetterPlace): string
  /** Whether a topic has a name that this template can give. */
  matches(topic: string): boolean
}

const placeholder = /\{(topic|group|function)\}/
/** org.apache.kafka.common.internals.Topic */
const maxName = 249
const noFunction = 'none'

/** Why a text cannot be a template; `undefined`: it can. */
export const templateProblem = (text: string): string | undefined => {
  const parts = text.split(placeholder)
  const literals = parts.filter((_, index) => index % 2 === 0)
  if (text.length > maxName) return 'it is longer than 249 characters'
  if (!/^[A-Za-z0-9._-]*$/.test(literals.join('')))
    return 'besides {topic}, {group} and {function} only letters, digits and ._- are allowed'
  if (!/[A-Za-z0-9]/.test(literals.join(''))) return 'it needs letters or digits of its own, else every topic would be one of dead letters'
  if (literals.slice(1, -1).includes('')) return 'two placeholders need something between them'
  return undefined
}

const legal = (value: string): string => value.replaceAll(/[^A-Za-z0-9._-]/g, '-')

const bounded = (name: string): string =>
  name.length <= maxName ? name : `${name.slice(0, maxName - 17)}.${createHash('sha256').update(name).digest('hex').slice(0, 16)}`

/** A name in linear time: each part is looked for behind the one before, from the left. */
const fits = (literals: readonly string[], topic: string): boolean => {
  const [first = '', ...rest] = literals
  const last = rest.pop()
  if (last === undefined) return topic === first
  if (!topic.startsWith(first) || !topic.endsWith(last)) return false
  let at = first.length
  const end = topic.length - last.length
  for (const literal of rest) {
    // At least one character for the placeholder.
    const found = topic.indexOf(literal, at + 1)
    if (found < 0 || found + literal.length > end) return false
    at = found + literal.length
  }
  return at < end
}

/** @param text e.g. `{topic}.dlq`. @throws RangeError where `templateProblem` has a reason */
export const topicTemplate = (text: string): TopicTemplate => {
  const problem = templateProblem(text)
  if (problem !== undefined) throw new RangeError(`"${text}" is not a template of topics: ${problem}`)
  const parts = text.split(placeholder)
  const literals = parts.filter((_, index) => index % 2 === 0)
  return {
    text,
    topicFor(place) {
      const values = new Map([
        ['topic', place.topic],
        ['group', legal(place.group)],
        ['function', legal(place.function ?? noFunction)],
      ])
      return bounded(parts.map((part, index) => (index % 2 === 0 ? part : (values.get(part) ?? ''))).join(''))
    },
    matches: (topic) => fits(literals, topic),
  }
}

/**
 * The topics of a subscription that are dead-letter topics of the same connector: what failed would come back to it for ever. Such a
 * subscription must be refused.
 */
export const deadLetterLoops = (template: TopicTemplate, topics: Iterable<string>): readonly string[] =>
  [...topics].filter((topic) => template.matches(topic))
