import { Problem } from '../problem.ts'

/** C0, DEL, C1, and the separators that end a line for JavaScript and for many log viewers. */
const control = /[\p{Cc}\u2028\u2029]/u

const refuse = (detail: string, fix: string): never => {
  throw new Problem('bad-topic', { detail, fix })
}

/**
 * The topic of a path segment, percent-decoded once as UTF-8.
 *
 * @param maxLength in characters (UTF-16 code units) after decoding
 * @throws Problem `bad-topic`
 */
export const readTopic = (segment: string, maxLength: number): string => {
  let topic: string
  try {
    topic = decodeURIComponent(segment)
  } catch {
    return refuse('The topic is not percent-encoded UTF-8.', 'Encode the topic, for example with encodeURIComponent; a % alone is %25.')
  }
  if (topic === '') return refuse('The topic is empty.', 'POST to /topics/NAME.')
  if (topic.length > maxLength) {
    return refuse(`The topic has ${topic.length} characters; at most ${maxLength} are allowed.`, 'Use a shorter topic.')
  }
  if (control.test(topic)) return refuse('The topic has control characters or line separators.', 'Use printable characters.')
  // Functions name topics in a list that is trimmed, so nobody could ever want such a one.
  if (topic.trim() !== topic) return refuse('The topic begins or ends with a blank.', 'Remove the blanks at its ends.')
  return topic
}
