import { expect, test } from 'vitest'
import { Plans } from '../src/plans.ts'
import type { IntakePlan, TopologyPlan } from '../src/topology/plan.ts'

const intake = (queue: string, deadLetterQueue = `${queue}.dlq`): IntakePlan => ({
  queue,
  mode: 'queue',
  topic: 'queue',
  prefetch: 1,
  ordered: false,
  tiers: [{ queue: `${queue}.5s`, delayMs: 5000 }],
  deadLetterQueue,
  declare: { exchanges: [], besides: [], bindings: [] },
})

const planOf = (queues: readonly string[], reply = false, letters?: string): TopologyPlan => ({
  intakes: new Map(queues.map((queue) => [queue, intake(queue, letters)])),
  unwanted: new Map(),
  functions: new Map([['f', { routingKeys: [], reply, replyErrors: false }]]),
  problems: [],
})

test('queues that nobody wants any more are remembered, but not for ever', () => {
  const plans = new Plans()
  plans.take(planOf(['kept', 'first']))
  for (let round = 0; round < 10_010; round += 1) plans.take(planOf(['kept', `queue-${round}`]))
  expect([plans.intake('first'), plans.isOwn('first'), plans.isOwn('first.dlq'), plans.isOwn('first.5s')]).toEqual([
    undefined,
    false,
    false,
    false,
  ])
  for (const queue of ['kept', 'queue-100', 'queue-10009'])
    expect([queue, plans.intake(queue)?.queue, plans.isOwn(`${queue}.dlq`)]).toEqual([queue, queue, true])
})

test('a dead-letter queue of all stays ours when one of its queues is forgotten', () => {
  const plans = new Plans()
  const many = Array.from({ length: 10_000 }, (_, n) => `queue-${n}`)
  plans.take(planOf(many, false, 'letters'))
  plans.take(planOf(['another'], false, 'letters'))
  expect([plans.intake('queue-0'), plans.isOwn('queue-0'), plans.isOwn('letters')]).toEqual([undefined, false, true])
})

test('whether any function wants its answers published follows the last plan', () => {
  const plans = new Plans()
  expect(plans.anyReply).toBe(false)
  plans.take(planOf(['q'], true))
  expect(plans.anyReply).toBe(true)
  plans.take(planOf(['q']))
  expect(plans.anyReply).toBe(false)
})
