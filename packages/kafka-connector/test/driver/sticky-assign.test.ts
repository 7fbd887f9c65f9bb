import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { stickyAssign } from '../../src/driver/sticky-assign.ts'
import type { StickyMember } from '../../src/driver/sticky-assign.ts'

const topics = ['a', 'b', '__proto__']
const sizes = fc
  .record({ a: fc.nat(8), b: fc.nat(8), c: fc.nat(4) })
  .map(({ a, b, c }) => new Map([a, b, c].map((count, i) => [topics[i] as string, Array.from({ length: count }, (_, id) => id)])))
const claim = fc.record({ topic: fc.constantFrom(...topics), partition: fc.nat(9) })
const members = fc
  .array(
    fc.record({
      topics: fc.subarray(topics, { minLength: 1 }),
      owned: fc.array(claim, { maxLength: 8 }),
      generation: fc.integer({ min: -1, max: 3 }),
    }),
    {
      minLength: 1,
      maxLength: 5,
    },
  )
  .map((list) => list.map((member, i): StickyMember => ({ id: `m${i}`, ...member })))

const flat = (assigned: ReturnType<typeof stickyAssign>): string[] =>
  [...assigned.values()].flat().map(({ topic, partition }) => `${topic}/${partition}`)

describe('stickyAssign', () => {
  it('gives each partition that somebody wants to exactly one who wants it', () => {
    fc.assert(
      fc.property(members, sizes, (group, partitions) => {
        const assigned = stickyAssign(group, partitions)
        const expected = [...partitions].flatMap(([topic, ids]) =>
          group.some((member) => member.topics.includes(topic)) ? ids.map((id) => `${topic}/${id}`) : [],
        )
        expect(flat(assigned).toSorted()).toEqual(expected.toSorted())
        for (const { id, topics: wanted } of group) {
          for (const { topic } of assigned.get(id) ?? []) expect(wanted).toContain(topic)
        }
      }),
    )
  })

  it('keeps members that want the same within one of each other, and moves nothing when nothing has changed', () => {
    fc.assert(
      fc.property(members, sizes, (group, partitions) => {
        const equal = group.map((member) => ({ ...member, topics }))
        const assigned = stickyAssign(equal, partitions)
        const counts = [...assigned.values()].map((held) => held.length)
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
        const again = stickyAssign(
          equal.map((member) => ({ ...member, owned: assigned.get(member.id) ?? [], generation: 9 })),
          partitions,
        )
        for (const { id } of equal)
          expect(new Set(again.get(id)?.map((p) => `${p.topic}/${p.partition}`))).toEqual(
            new Set(assigned.get(id)?.map((p) => `${p.topic}/${p.partition}`)),
          )
      }),
    )
  })

  it('lets the newest claim win', () => {
    const owned = [{ topic: 'a', partition: 0 }]
    const group = [
      { id: 'old', topics: ['a'], owned, generation: 1 },
      { id: 'new', topics: ['a'], owned, generation: 2 },
    ]
    expect(stickyAssign(group, new Map([['a', [0]]])).get('new')).toEqual(owned)
  })
})
