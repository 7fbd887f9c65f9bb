import type { TopicPartition } from './driver.ts'

/** What a member of the group says of itself. */
export interface StickyMember {
  readonly id: string
  readonly topics: readonly string[]
  /** What it had before. A claim, not a fact: a member that was away may claim what others have had since. */
  readonly owned: readonly TopicPartition[]
  /** Of the claim. The newest wins. */
  readonly generation: number
}

const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`
const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Who claims each partition by right: it exists, the member wants its topic, and no newer claim is there. */
const claimsOf = (members: readonly StickyMember[], partitions: ReadonlyMap<string, TopicPartition>): Map<string, string> => {
  const claims = new Map<string, string>()
  for (const member of members.toSorted((a, b) => b.generation - a.generation || byText(a.id, b.id))) {
    for (const claim of member.owned) {
      const name = nameOf(claim)
      if (partitions.has(name) && !claims.has(name) && member.topics.includes(claim.topic)) claims.set(name, member.id)
    }
  }
  return claims
}

/**
 * Deals out partitions so that members stay within one of each other wherever their topics allow it, and each keeps what it had
 * unless balance takes it. Every partition goes to one member that wants its topic; one that nobody wants goes to nobody.
 *
 * @param partitions how many each topic has
 */
export const stickyAssign = (
  members: readonly StickyMember[],
  partitions: ReadonlyMap<string, readonly number[]>,
): ReadonlyMap<string, readonly TopicPartition[]> => {
  const all = new Map<string, TopicPartition>()
  for (const [topic, ids] of partitions) for (const partition of ids) all.set(nameOf({ topic, partition }), { topic, partition })
  const wants = new Map(members.map(({ id, topics }) => [id, new Set(topics)]))
  const given = new Map(members.map(({ id }) => [id, new Map<string, TopicPartition>()]))
  const ids = [...given.keys()].toSorted(byText)
  const sizeOf = (id: string): number => given.get(id)?.size ?? 0
  const least = (topic: string): string | undefined => {
    let found: string | undefined
    for (const id of ids) if (wants.get(id)?.has(topic) === true && (found === undefined || sizeOf(id) < sizeOf(found))) found = id
    return found
  }
  const claims = claimsOf(members, all)
  for (const [name, id] of claims) given.get(id)?.set(name, all.get(name) as TopicPartition)
  for (const [name, at] of all) {
    const id = claims.has(name) ? undefined : least(at.topic)
    if (id !== undefined) given.get(id)?.set(name, at)
  }
  // Each move narrows a difference of two or more, so this ends.
  for (let moved = true; moved;) {
    moved = false
    for (const from of ids.toSorted((a, b) => sizeOf(b) - sizeOf(a) || byText(a, b))) {
      for (const [name, at] of [...(given.get(from) ?? [])].toReversed()) {
        const to = least(at.topic)
        if (to === undefined || sizeOf(from) - sizeOf(to) < 2) continue
        given.get(from)?.delete(name)
        given.get(to)?.set(name, at)
        moved = true
      }
    }
  }
  return new Map([...given].map(([id, held]) => [id, [...held.values()]]))
}
