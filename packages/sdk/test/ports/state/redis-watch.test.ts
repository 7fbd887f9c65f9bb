import { expect, test } from 'vitest'
import { ReplyWatch } from '../../../src/ports/state/redis-watch.ts'
import { manualClock } from '../../../src/testing/manual-clock.ts'

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

const watched = () => {
  const clock = manualClock()
  const calls: number[] = []
  const watch = new ReplyWatch(clock, 500, () => calls.push(clock.monotonic()))
  const pass = async (ms: number): Promise<void> => {
    clock.advance(ms)
    await turn()
  }
  return { watch, calls, pass }
}

test('silence while something waits is told, once and in time', async () => {
  const { watch, calls, pass } = watched()
  watch.asked()
  await pass(499)
  expect(calls).toEqual([])
  await pass(1)
  expect(calls).toEqual([500])
  await pass(10_000)
  expect(calls).toEqual([500])
})

test('every reply starts the time anew, however many still wait', async () => {
  const { watch, calls, pass } = watched()
  for (let i = 0; i < 100; i++) watch.asked()
  for (let i = 0; i < 20; i++) {
    await pass(400)
    watch.answered()
  }
  expect(calls).toEqual([])
  await pass(499)
  expect(calls).toEqual([])
  await pass(2)
  expect(calls).toHaveLength(1)
})

test('nothing waits: nothing is told; and the next question has the whole time', async () => {
  const { watch, calls, pass } = watched()
  watch.asked()
  await pass(300)
  watch.answered()
  await pass(150)
  watch.asked()
  await pass(499)
  expect(calls).toEqual([])
  watch.answered()
  await pass(5000)
  watch.asked()
  await pass(500)
  expect(calls).toHaveLength(1)
})

test('a reply that was there when the timer came late counts', async () => {
  const { watch, calls, pass } = watched()
  watch.asked()
  // This process stood still for two seconds: the timer comes first, the reply is read in the same turn of the loop.
  const passed = pass(2000)
  watch.answered()
  await passed
  expect(calls).toEqual([])
})

test('after stop nothing is told', async () => {
  const { watch, calls, pass } = watched()
  watch.asked()
  watch.stop()
  await pass(5000)
  expect(calls).toEqual([])
})
