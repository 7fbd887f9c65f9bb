import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deadLetterLoops, templateProblem, topicTemplate } from '../../src/dead-letters/topic-template.ts'

describe('templates of dead-letter topics', () => {
  it.each(['{topic}', '{topic}.{group}', 'a b', '{topic}{group}.dlq', '{nothing}.dlq', ''])('refuses %s', (text) => {
    expect(templateProblem(text)).toBeTypeOf('string')
    expect(() => topicTemplate(text)).toThrow(RangeError)
  })

  it('T36 T45 every name that it gives is legal and recognised, whatever group and function are called', () => {
    const template = fc.constantFrom('{topic}.dlq', 'dlq-{group}-{function}', 'dead', '{topic}.{group}.x.{function}.dlq', 'dlq.{topic}')
    const topic = fc.stringMatching(/^[A-Za-z0-9._-]{1,60}$/)
    fc.assert(
      fc.property(
        template,
        topic,
        fc.string({ minLength: 1, maxLength: 60 }),
        fc.option(fc.string({ minLength: 1, maxLength: 60 }), { nil: undefined }),
        (text, name, group, func) => {
          const made = topicTemplate(text)
          const letters = made.topicFor({ topic: name, group, ...(func !== undefined && { function: func }) })
          expect(letters).toMatch(/^[A-Za-z0-9._-]{1,249}$/)
          expect(made.matches(letters)).toBe(true)
        },
      ),
    )
  })

  it('T45 names the topics of a subscription that would go round', () => {
    expect(deadLetterLoops(topicTemplate('{topic}.dlq'), ['orders', 'orders.dlq', '.dlq', 'dlq', 'orders.dlq.dlq'])).toEqual([
      'orders.dlq',
      'orders.dlq.dlq',
    ])
    expect(deadLetterLoops(topicTemplate('dead'), ['dead', 'deader'])).toEqual(['dead'])
  })
})
