import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AckBook } from '../../src/consumer/ack-book.ts'

/** A channel's books, as the broker keeps them: a tag that is not on them ends the channel. */
class Books {
  readonly open = new Set<number>()
  readonly acked = new Set<number>()
  frames = 0

  ack(tag: number, upTo: boolean): void {
    this.frames += 1
    const tags = upTo ? [...this.open].filter((open) => open <= tag) : [tag]
    if (tags.length === 0 || !this.open.has(tag)) throw new Error(`unknown delivery tag ${tag}`)
    for (const each of tags) {
      this.open.delete(each)
      this.acked.add(each)
    }
  }
}

const steps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('arrive' as const) }),
    fc.record({ do: fc.constant('finish' as const), at: fc.nat(40) }),
    fc.record({ do: fc.constant('nack' as const), at: fc.nat(40) }),
    fc.record({ do: fc.constant('flush' as const) }),
  ),
  { maxLength: 300 },
)

test('exactly what is finished is acknowledged, each tag once, whatever the order', () => {
  fc.assert(
    fc.property(steps, (run) => {
      const books = new Books()
      const book = new AckBook((tag, upTo) => books.ack(tag, upTo))
      const inHand: number[] = []
      const finished = new Set<number>()
      let next = 1
      const take = (at: number): number | undefined => inHand.splice(at % Math.max(1, inHand.length), 1)[0]
      for (const step of run) {
        if (step.do === 'arrive') {
          books.open.add(next)
          book.arrived(next)
          inHand.push(next++)
        } else if (step.do === 'flush') book.flush()
        else {
          const tag = take(step.at)
          if (tag === undefined) continue
          if (step.do === 'finish') {
            book.finish(tag)
            finished.add(tag)
          } else {
            book.forget(tag)
            books.open.delete(tag)
          }
        }
        for (const tag of books.acked) expect(finished.has(tag)).toBe(true)
      }
      book.flush()
      expect([...books.acked].toSorted((a, b) => a - b)).toEqual([...finished].toSorted((a, b) => a - b))
      expect(book.open).toBe(inHand.length)
    }),
  )
})

test('a finished prefix costs one frame, and what is finished above a gap one each', () => {
  const sent: [number, boolean][] = []
  const book = new AckBook((tag, upTo) => void sent.push([tag, upTo]))
  for (let tag = 1; tag <= 10; tag += 1) book.arrived(tag)
  for (const tag of [3, 1, 2, 4, 7, 9]) book.finish(tag)
  expect(book.flush()).toEqual({ messages: 6, frames: 3 })
  expect(sent).toEqual([
    [7, false],
    [9, false],
    [4, true],
  ])
  expect(book.flush()).toEqual({ messages: 0, frames: 0 })
})

test('a tag that is not open never reaches the broker', () => {
  const sent: number[] = []
  const book = new AckBook((tag) => void sent.push(tag))
  book.arrived(1)
  expect([book.finish(1), book.finish(1), book.finish(2)]).toEqual([true, false, false])
  book.flush()
  expect(sent).toEqual([1])
})
