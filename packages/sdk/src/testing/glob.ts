/** True when `text` is `pattern`, where each `*` stands for any characters. Linear memory, no regular expression: patterns come from files. */
export const globMatches = (pattern: string, text: string): boolean => {
  let at = 0
  let star = -1
  let resume = 0
  let next = 0
  while (at < text.length) {
    if (pattern[next] === '*') {
      star = next
      resume = at
      next += 1
    } else if (next < pattern.length && pattern[next] === text[at]) {
      next += 1
      at += 1
    } else if (star >= 0) {
      next = star + 1
      resume += 1
      at = resume
    } else return false
  }
  while (pattern[next] === '*') next += 1
  return next === pattern.length
}
