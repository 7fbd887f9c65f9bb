import type { FunctionDeclaration, Order } from '@millrace/sdk'
import { expect, test } from 'vitest'
import { OrderKept } from '../../src/consumer/order-kept.ts'
import type { IntakePlan } from '../../src/topology/plan.ts'
import { declared } from './kit.ts'

const shared: IntakePlan = {
  queue: 'q',
  mode: 'queue',
  topic: 'queue',
  prefetch: 1,
  ordered: true,
  tiers: [],
  declare: { exchanges: [], besides: [], bindings: [] },
}

const keptBy = (otherwise: Order, first: readonly FunctionDeclaration[]) => {
  let functions = first
  const view = { snapshot: () => functions, get: (name: string) => functions.find((each) => each.function === name) }
  const order = new OrderKept(view, otherwise)
  return { by: (plan: IntakePlan) => order.by(plan), become: (next: readonly FunctionDeclaration[]) => void (functions = next) }
}

test('all functions with a topic must keep the order of a queue that is shared, and a change of them counts at once', () => {
  const keyed = declared('keyed', ['q'], { order: 'key' })
  const kept = keptBy('none', [keyed, declared('no-topic', [])])
  expect([kept.by(shared), kept.by(shared)]).toEqual([true, true])
  kept.become([keyed, declared('loose', ['q'])])
  expect([kept.by(shared), kept.by(shared)]).toEqual([false, false])
  kept.become([keyed])
  expect(kept.by(shared)).toBe(true)
})

test('of the queue of one function that one alone counts, and what it does not say is the default', () => {
  const functions = [declared('a', ['q']), declared('b', ['q'], { order: 'none' })]
  const answers = (otherwise: Order): readonly boolean[] =>
    ['a', 'b'].map((name) => keptBy(otherwise, functions).by({ ...shared, function: name }))
  expect([answers('none'), answers('partition')]).toEqual([
    [false, false],
    [true, false],
  ])
})
