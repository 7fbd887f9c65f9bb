import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startChild, type Child } from '../processes/child.ts'
import { scratchFolder, type ScratchFolder } from '../processes/reaper.ts'
import { waitUntil } from '../processes/wait-until.ts'
import { committedOf, createClient, kafka, uniqueName, type SharedKafka } from '../servers/kafka.ts'
import { startFunctionProcess, type FunctionProcess } from './function-process.ts'
import { createPublisher } from './publisher.ts'
import { readRecords, type InvocationRecord, type PublishRecord } from './records.ts'
import { acknowledgedUpTo, report, type Report } from './report.ts'

const count = 12
const hangs = 'e-6'

let server: SharedKafka
let folder: ScratchFolder
let functions: FunctionProcess
let topic: string
let groupId: string

beforeEach(async () => {
  server = await kafka.shared()
  folder = scratchFolder('over-kafka')
  topic = uniqueName('ledger')
  groupId = uniqueName('naive')
  await server.createTopic(topic)
  functions = await startFunctionProcess({ path: join(folder.path, 'invocations'), behaviour: [{ id: hangs, hang: true, times: 1 }] })
  await publish()
}, 180_000)

afterEach(async () => {
  await functions.close()
  folder.remove()
})

const publish = async (): Promise<void> => {
  const publisher = createPublisher({ path: join(folder.path, 'published'), keys: 3 })
  const producer = createClient({ brokers: [...server.bootstrap] }).producer()
  await producer.connect()
  for (let number = 0; number < count; number++) {
    const event = publisher.next()
    const [sent] = await producer.send({ topic, acks: -1, messages: [{ key: event.key, value: event.body }] })
    publisher.confirm(event, { intake: `${topic}/0`, offset: Number(sent?.baseOffset) })
  }
  await producer.disconnect()
  publisher.close()
}

const startConsumer = (early: boolean): Promise<Child> => {
  const options = { brokers: server.bootstrap, topic, groupId, functionUrl: `${functions.url}/function/f`, early }
  return startChild({
    command: process.execPath,
    args: [fileURLToPath(new URL('naive-consumer.ts', import.meta.url)), JSON.stringify(options)],
  })
}

const invocations = (): readonly InvocationRecord[] => readRecords(join(folder.path, 'invocations'))

const compare = async (): Promise<Report> => {
  const published = readRecords<PublishRecord>(join(folder.path, 'published'))
  const next = (await committedOf(server.bootstrap, groupId, topic)).get(0) ?? -1
  const acknowledged = acknowledgedUpTo(published, new Map([[`${topic}/0`, next]]))
  return report({ published, invocations: invocations(), acknowledged, functions: ['f'], duplicateBound: 1 })
}

/** Kills the consumer while the function hangs with one event, and starts it again until the last event has come. */
const runWithKill = async (early: boolean): Promise<{ readonly killed: Report; readonly finished: Report }> => {
  const first = await startConsumer(early)
  const begun = (id: string): boolean => invocations().some((record) => record.kind === 'start' && record.id === id)
  await waitUntil(() => begun(hangs), { timeoutMs: 60_000, what: () => `the function to be called:\n${first.output()}` })
  await first.kill9()
  const killed = await compare()
  const second = await startConsumer(early)
  const through = async (): Promise<boolean> =>
    (await committedOf(server.bootstrap, groupId, topic)).get(0) === count && begun(`e-${count - 1}`)
  await waitUntil(through, { timeoutMs: 60_000, what: () => `the rest to come:\n${second.output()}` })
  const all = (): boolean =>
    invocations().filter((record) => record.kind === 'end').length >= invocations().filter((record) => record.kind === 'start').length
  await waitUntil(all, { timeoutMs: 10_000, what: 'the last answer' })
  await second.kill9()
  return { killed, finished: await compare() }
}

test(
  'T1 a consumer that commits before the call is convicted: acknowledged without success at the kill, lost afterwards',
  { timeout: 180_000 },
  async () => {
    const { killed, finished } = await runWithKill(true)
    expect(killed.acknowledgedEarly).toEqual([{ id: hangs, function: 'f' }])
    expect(finished.lost).toEqual([{ id: hangs, function: 'f' }])
    // The next event of its key came although it had never succeeded.
    expect(finished.problems).toEqual(['lost: 1 (e-6)', 'acknowledged without success: 1 (e-6)', 'out of order: 1 (e-9)'])
  },
)

test('T1 a consumer that commits after the call is acquitted', { timeout: 180_000 }, async () => {
  const { killed, finished } = await runWithKill(false)
  expect(killed.acknowledgedEarly).toEqual([])
  expect(killed.lost).toHaveLength(count - 6)
  expect(finished.problems).toEqual([])
  expect(finished).toMatchObject({ confirmed: count, succeeded: count, cut: 1, duplicated: 0 })
})
