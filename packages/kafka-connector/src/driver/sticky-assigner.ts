import type { TopicPartition } from './driver.ts'
import { AssignerProtocol } from './kafkajs.ts'
import type { Assigner, Cluster } from './kafkajs.ts'
import { stickyAssign } from './sticky-assign.ts'
import type { StickyMember } from './sticky-assign.ts'

/** What a member had, as it tells the leader. */
export interface Claim {
  readonly owned: readonly TopicPartition[]
  readonly generation: number
}

/** A claim is a wish: whatever cannot be read, or is too long for one, is none. */
const maxClaimBytes = 64 * 1024

const encodeClaim = ({ owned, generation }: Claim): Buffer => {
  const byTopic = new Map<string, number[]>()
  for (const { topic, partition } of owned) byTopic.set(topic, [...(byTopic.get(topic) ?? []), partition])
  const text = Buffer.from(JSON.stringify({ g: generation, o: [...byTopic] }))
  return text.length > maxClaimBytes ? Buffer.alloc(0) : text
}

/** @see Claim. Another member wrote it: anything may stand there. */
export const decodeClaim = (bytes: Uint8Array): Claim => {
  const none: Claim = { owned: [], generation: -1 }
  if (bytes.length === 0 || bytes.length > maxClaimBytes) return none
  try {
    const { g, o } = JSON.parse(Buffer.from(bytes).toString()) as { g: unknown; o: unknown }
    if (!Number.isSafeInteger(g) || !Array.isArray(o)) return none
    const owned = (o as [unknown, unknown][]).flatMap(([topic, ids]) =>
      typeof topic === 'string' && Array.isArray(ids)
        ? (ids as unknown[]).filter((id) => Number.isInteger(id)).map((id) => ({ topic, partition: id as number }))
        : [],
    )
    return { owned, generation: g as number }
  } catch {
    return none
  }
}

/** The leader knows the partitions of its own topics; of others it asks, and leaves out what cannot be had. */
const partitionsOf = async (cluster: Cluster, topics: readonly string[]): Promise<Map<string, readonly number[]>> => {
  const found = new Map<string, readonly number[]>()
  for (const topic of topics) {
    let metadata = cluster.findTopicPartitionMetadata(topic)
    if (metadata.length === 0) {
      try {
        await cluster.addTargetTopic(topic)
        metadata = cluster.findTopicPartitionMetadata(topic)
      } catch {
        // A topic that is gone would fail every metadata request of this consumer from now on; the crash that follows is mended by
        // the supervisor, which checks topics one by one.
        continue
      }
    }
    found.set(
      topic,
      metadata.map(({ partitionId }) => partitionId).toSorted((a, b) => a - b),
    )
  }
  return found
}

/**
 * An assigner that keeps partitions where they are and honours what each member subscribes to (kafkajs' own deals out the leader's
 * topics to everybody, #1414).
 */
export const stickyAssigner = (cluster: Cluster, claim: () => Claim): Assigner => ({
  name: 'millrace-sticky',
  version: 1,
  protocol: ({ topics }) => ({
    name: 'millrace-sticky',
    metadata: AssignerProtocol.MemberMetadata.encode({ version: 1, topics: [...topics], userData: encodeClaim(claim()) }),
  }),
  async assign({ members }) {
    const described = members.map(({ memberId, memberMetadata }): StickyMember => {
      const metadata = AssignerProtocol.MemberMetadata.decode(memberMetadata)
      return { id: memberId, topics: metadata?.topics ?? [], ...decodeClaim(metadata?.userData ?? Buffer.alloc(0)) }
    })
    const topics = [...new Set(described.flatMap((member) => member.topics))].toSorted()
    const assigned = stickyAssign(described, await partitionsOf(cluster, topics))
    return [...assigned].map(([memberId, held]) => {
      // A topic is a name of letters, digits and ._- (checked before it is subscribed), but `__proto__` is one too.
      const assignment = Object.create(null) as Record<string, number[]>
      for (const { topic, partition } of held) (assignment[topic] ??= []).push(partition)
      return { memberId, memberAssignment: AssignerProtocol.MemberAssignment.encode({ version: 1, assignment, userData: Buffer.alloc(0) }) }
    })
  },
})
