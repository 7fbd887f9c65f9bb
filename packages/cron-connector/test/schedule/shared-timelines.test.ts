import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseExpression } from '../../src/schedule/expression.ts'
import { sharedTimelines } from '../../src/schedule/shared-timelines.ts'
import { createTimeline } from '../../src/schedule/timeline.ts'
import type { Timeline, TimelineRules } from '../../src/schedule/timeline.ts'

const rules: TimelineRules = { timezone: 'Europe/Berlin', dst: 'vixie', dayMatch: 'or' }
const start = Date.UTC(2026, 2, 28)

const compile = (make: typeof createTimeline, text: string, given = rules): Timeline => {
  const expression = parseExpression(text)
  if ('problem' in expression) return expect.unreachable(expression.problem)
  const timeline = make(expression.value, given)
  return 'problem' in timeline ? expect.unreachable(timeline.problem) : timeline.value
}

it('schedules of the same instants share a timeline, others do not', () => {
  const shared = sharedTimelines()
  const first = compile(shared, '30 2 * * *')
  expect(compile(shared, '30  2 * * *')).toBe(first)
  expect(compile(shared, 'TZ=Asia/Tokyo 30 2 * * *')).not.toBe(first)
  expect(compile(shared, '30 2 * * *', { ...rules, dst: 'skip' })).not.toBe(first)
  expect(compile(shared, '30 2 1 * 1')).not.toBe(compile(shared, '30 2 1 * 1', { ...rules, dayMatch: 'and' }))
})

it('answers as one of its own, in whatever order several schedules ask', () => {
  const texts = fc.constantFrom('*/10 * * * * *', '30 2 * * *', '@every 90s', '0 0 29 2 *')
  const jump = fc.record({ hours: fc.integer({ min: -30, max: 30 }), again: fc.boolean() })
  fc.assert(
    fc.property(texts, fc.array(jump, { maxLength: 20 }), (text, jumps) => {
      const timeline = compile(sharedTimelines(), text)
      let after = start
      for (const { hours, again } of jumps) {
        const answer = timeline.next(after)
        expect(answer).toBe(compile(createTimeline, text).next(after))
        after = again && answer !== undefined ? answer : after + hours * 3_600_000
      }
    }),
  )
})
