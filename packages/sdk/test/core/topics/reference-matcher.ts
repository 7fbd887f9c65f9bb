/** The rules of wildcards in the most literal form, exponential and all: what the real matchers are held against. */
export const referenceMatches = (pattern: string, topic: string): boolean => {
  const match = (wanted: readonly string[], parts: readonly string[]): boolean => {
    const [segment, ...rest] = wanted
    if (segment === undefined) return parts.length === 0
    if (segment === '#') return match(rest, parts) || (parts.length > 0 && match(wanted, parts.slice(1)))
    if (segment === '>' && rest.length === 0) return parts.length > 0
    return parts.length > 0 && (segment === '*' || segment === parts[0]) && match(rest, parts.slice(1))
  }
  return match(pattern.split('.'), topic === '' ? [] : topic.split('.'))
}
