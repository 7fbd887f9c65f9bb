import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startChild, type Child } from '../processes/child.ts'
import { scratchFolder, type ScratchFolder } from '../processes/reaper.ts'
import { waitUntil } from '../processes/wait-until.ts'
import { startLoad } from '../rabbitmq/kit/load.ts'
import { idsIn } from '../rabbitmq/kit/messages.ts'
import { rabbitmq, uniqueName, type SharedRabbitmq } from '../servers/rabbitmq.ts'
import { startFunctionProcess, type FunctionProcess } from './function-process.ts'
import { createPublisher } from './publisher.ts'
import { readRecords, type InvocationRecord, type PublishRecord } from './records.ts'
import { acknowledgedExcept, report, type Report } from './report.ts'

const count = 12
const hangs = 'e-6'
const prefetch = 3

let broker: SharedRabbitmq
let folder: ScratchFolder
let functions: FunctionProcess
let queue: string

beforeEach(async () => {
  broker = await rabbitmq.shared()
  folder = scratchFolder('over-rabbitmq')
  queue = uniqueName('ledger')
  await broker.declareQueue(queue)
  functions = await startFunctionProcess({ path: join(folder.path, 'invocations'), behaviour: [{ id: hangs, hang: true, times: 1 }] })
  const publisher = createPublisher({ path: join(folder.path, 'published'), keys: 3 })
  const load = startLoad({ url: broker.url(), routingKey: queue, publisher, perSecond: 10_000, total: count })
  await load.done
  if (load.refused > 0) throw new Error('the broker has refused events')
  publisher.close()
}, 300_000)

afterEach(async () => {
  await functions.close()
  await broker.deleteQueue(queue)
  folder.remove()
})

const startConsumer = (acknowledge: 'early' | 'late' | number): Promise<Child> => {
  const bound = typeof acknowledge === 'number' ? 0 : prefetch
  const options = { url: broker.url(), queue, functionUrl: `${functions.url}/function/f`, prefetch: bound, acknowledge }
  return startChild({
    command: process.execPath,
    args: [fileURLToPath(new URL('naive-rabbitmq-consumer.ts', import.meta.url)), JSON.stringify(options)],
  })
}

const invocations = (): readonly InvocationRecord[] => readRecords(join(folder.path, 'invocations'))

/** Once the broker has noticed that the consumer is gone. */
const compare = async (): Promise<Report> => {
  await broker.awaitDepth(queue, { unacked: 0 })
  const published = readRecords<PublishRecord>(join(folder.path, 'published'))
  const acknowledged = acknowledgedExcept(published, await idsIn(broker, [queue]))
  return report({ published, invocations: invocations(), acknowledged, functions: ['f'], duplicateBound: prefetch, order: 'none' })
}

/** Kills the consumer while the function hangs with one event, and starts it again until the queue is empty. */
const runWithKill = async (acknowledge: 'early' | 'late' | number): Promise<{ readonly killed: Report; readonly finished: Report }> => {
  const first = await startConsumer(acknowledge)
  const begun = (id: string): boolean => invocations().some((record) => record.kind === 'start' && record.id === id)
  await waitUntil(() => begun(hangs), { timeoutMs: 60_000, what: () => `the function to be called:\n${first.output()}` })
  await first.kill9()
  const killed = await compare()
  const second = await startConsumer(acknowledge)
  await broker.awaitDepth(queue, { ready: 0, unacked: 0 }, 60_000)
  const all = (): boolean =>
    begun(`e-${count - 1}`) &&
    invocations().filter((record) => record.kind === 'end').length >= invocations().filter((record) => record.kind === 'start').length
  await waitUntil(all, { timeoutMs: 10_000, what: 'the last answer' })
  await second.kill9()
  return { killed, finished: await compare() }
}

const timeout = 180_000

test('T1 a consumer that acknowledges before the call is convicted: the event is gone from the queue, and lost', { timeout }, async () => {
  const { killed, finished } = await runWithKill('early')
  expect(killed.acknowledgedEarly).toEqual([{ id: hangs, function: 'f' }])
  expect(finished.lost).toEqual([{ id: hangs, function: 'f' }])
  expect(finished.problems).toEqual(['lost: 1 (e-6)', 'acknowledged without success: 1 (e-6)'])
})

test('T1 a consumer that acknowledges after the call is acquitted', { timeout }, async () => {
  const { killed, finished } = await runWithKill('late')
  expect(killed.acknowledgedEarly).toEqual([])
  expect(killed.lost).toHaveLength(count - 6)
  expect(finished.problems).toEqual([])
  expect(finished).toMatchObject({ confirmed: count, succeeded: count, cut: 1 })
})

test(
  'T1 a consumer that acknowledges everything at the end is convicted: more comes again than its prefetch would',
  { timeout },
  async () => {
    const { killed, finished } = await runWithKill(count)
    expect(killed.acknowledgedEarly).toEqual([])
    expect(finished.lost).toEqual([])
    expect(finished.duplicated).toBe(6)
    expect(finished.problems).toEqual([expect.stringMatching(/^duplicated: 6, more than the 3 that may be/)])
  },
)
