import { cpSync, existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type DevGateway, startDevGateway } from '@millrace/dev-gateway'
import { describe, expect, test } from 'vitest'
import { type Ended, folderOf, later, provider, run } from '../kit.ts'
import { letterOf, writeLetters } from './letters.ts'

interface Answer {
  readonly letters: number
  readonly selected: number
  readonly skipped: Readonly<Record<string, number>>
  readonly groups: readonly unknown[]
  readonly delivered: number
  readonly failed: number
  readonly left: number
  readonly failures: readonly { event: string; function: string; reason: string; status?: number }[]
}

interface Scene {
  readonly folder: string
  readonly letters: string
  readonly gateway: DevGateway
  /** `FUNCTION EVENT` of each call, and what it printed. */
  readonly calls: string[]
  readonly printed: string[]
  replay(...flags: readonly string[]): Promise<Ended & { answer: Answer }>
}

const handlers = {
  'good/handler.js': `module.exports = async (event) => {
    const { 'x-event-id': id, 'idempotency-key': key, 'x-delivery-attempt': attempt, 'x-topic': topic, 'x-region': region, 'x-kafka-x-region': kafkaRegion, 'x-extra': extra, authorization } = event.headers
    console.log(JSON.stringify({ id, key, attempt, topic, region, kafkaRegion, extra, authorization, body: event.body, type: event.headers['content-type'] }))
  }`,
  'bad/handler.js': "module.exports = async (event, context) => context.status(500).fail('no')",
  'refuses/handler.js': "module.exports = async (event, context) => context.status(400).fail('no')",
}

const scene = async (letters: Parameters<typeof writeLetters>[1]): Promise<Scene> => {
  const functions = ['good', 'other', 'bad', 'refuses'].map(
    (name) =>
      `  ${name}: { handler: ./${name === 'other' ? 'good' : name}, annotations: { topic: orders, com.openfaas.retry.min_wait: 10ms, com.openfaas.retry.max_wait: 20ms } }\n`,
  )
  const folder = folderOf({ 'stack.yaml': `${provider}functions:\n${functions.join('')}`, ...handlers })
  const calls: string[] = []
  const printed: string[] = []
  const gateway = await startDevGateway({ stack: join(folder, 'stack.yaml'), watch: false })
  later(() => gateway.close())
  gateway.events.on('function:invoked', (call) => calls.push(`${call.function.split('.')[0]} ${call.eventId}`))
  gateway.events.on('function:output', ({ line }) => printed.push(line))
  const directory = join(folder, 'dead-letters')
  await writeLetters(directory, letters)
  return {
    folder,
    letters: directory,
    gateway,
    calls,
    printed,
    replay: async (...flags) => {
      const ended = await run(['replay', directory, '--gateway', gateway.url, '--json', ...flags], { cwd: folder })
      return { ...ended, answer: ended.out === '' ? ({} as Answer) : ended.json<Answer>() }
    },
  }
}

describe('a letter is delivered again', () => {
  test('under the header names of the source that it came from', async () => {
    const { replay, printed } = await scene([
      letterOf('e-1', 'good.openfaas-fn'),
      letterOf('e-2', 'good.openfaas-fn', { naming: { prefix: 'X-Kafka-', reserved: [] } }),
      letterOf('e-3', 'good.openfaas-fn', { naming: { prefix: 'X-Kafka-', reserved: ['X-Kafka-X-Region'] } }),
    ])
    expect((await replay()).answer).toMatchObject({ delivered: 3 })
    const told = printed.map((line) => JSON.parse(line) as { id: string; region?: string; kafkaRegion?: string })
    const byId = told.toSorted((a, b) => a.id.localeCompare(b.id))
    expect(byId.map(({ id, region, kafkaRegion }) => [id, region, kafkaRegion])).toEqual([
      ['e-1', 'eu', undefined],
      ['e-2', undefined, 'eu'],
      // No header takes the name that belongs to the source.
      ['e-3', undefined, undefined],
    ])
  })

  test('to its function only, with its id, headers, body and type; and not a second time', async () => {
    const { replay, calls, printed, letters } = await scene([letterOf('e-1', 'good.openfaas-fn'), letterOf('e-2', 'good.openfaas-fn')])
    const first = await replay()
    expect(first, first.err).toMatchObject({ code: 0, answer: { letters: 2, selected: 2, delivered: 2, failed: 0, left: 0, failures: [] } })
    expect(calls.toSorted()).toEqual(['good e-1', 'good e-2'])
    expect(printed.map((line) => JSON.parse(line) as unknown)).toContainEqual({
      id: 'e-1',
      key: 'e-1',
      attempt: '1',
      topic: 'orders',
      region: 'eu',
      extra: 'kept',
      body: { id: 'e-1' },
      type: 'application/json',
    })
    const second = await replay()
    expect(second).toMatchObject({ code: 0, answer: { selected: 0, skipped: { replayed: 2 } } })
    expect(calls).toHaveLength(2)
    // The letters themselves are never touched: deleting them is for a person to decide.
    expect(readdirSync(letters)).toContain('0000000001.jsonl')
  })

  test('with a limit of letters it goes on where it stopped', async () => {
    const { replay, calls } = await scene(['a', 'b', 'c'].map((id) => letterOf(id, 'good.openfaas-fn')))
    expect((await replay('--max', '2')).answer).toMatchObject({ delivered: 2, skipped: { 'over-max': 1 } })
    expect((await replay('--max', '2')).answer).toMatchObject({ delivered: 1, skipped: { replayed: 2 } })
    expect(calls).toEqual(['good a', 'good b', 'good c'])
  })

  test('each of two letters that nothing but the letter itself tells apart', async () => {
    const event = { ...letterOf('1', 'good.openfaas-fn').event, ambiguousId: true }
    const s = await scene(['a', 'b'].map((letterId) => letterOf('1', 'good.openfaas-fn', { event, letterId })))
    for (const [skipped, delivered] of [
      [{ 'over-max': 1 }, 1],
      [{ replayed: 1 }, 1],
      [{ replayed: 2 }, 0],
    ] as const)
      expect((await s.replay('--max', '1')).answer).toMatchObject({ skipped, delivered })
    expect(s.calls).toEqual(['good 1', 'good 1'])
  })

  test('where the letters lie does not matter, with one record of what was delivered', async () => {
    const { replay, folder, letters, gateway } = await scene([letterOf('e-1', 'good.openfaas-fn')])
    expect((await replay('--resume', 'record')).answer.delivered).toBe(1)
    expect(existsSync(join(letters, 'replayed'))).toBe(false)
    cpSync(join(letters, '0000000001.jsonl'), join(folder, 'copy.txt'))
    const again = await run(['replay', 'copy.txt', '--resume', 'record', '--gateway', gateway.url, '--json'], { cwd: folder })
    expect(again.json<Answer>()).toMatchObject({ selected: 0, skipped: { replayed: 1 } })
  })
})

describe('a function that fails again', () => {
  test('keeps its letter, and the next replay tries it once more', async () => {
    const { replay, calls } = await scene([letterOf('e-1', 'refuses.openfaas-fn'), letterOf('e-2', 'good.openfaas-fn')])
    const first = await replay()
    expect(first).toMatchObject({ code: 1, answer: { delivered: 1, failed: 1 } })
    expect(first.answer.failures).toEqual([{ event: 'e-1', function: 'refuses.openfaas-fn', reason: 'rejected', status: 400 }])
    expect((await replay()).answer).toMatchObject({ selected: 1, delivered: 0, failed: 1 })
    expect(calls.filter((call) => call === 'good e-2')).toHaveLength(1)
  })

  test('is left alone after five failures in a row, and stops nobody else', async () => {
    const letters = Array.from({ length: 30 }, (_, index) =>
      letterOf(`e-${index}`, index % 3 === 0 ? 'good.openfaas-fn' : 'bad.openfaas-fn'),
    )
    const { replay, calls } = await scene(letters)
    const { code, answer, err } = await replay('--concurrency', '2')
    expect(code).toBe(1)
    expect(answer.delivered).toBe(10)
    expect(answer.failed + answer.left).toBe(20)
    expect(answer.left).toBeGreaterThan(10)
    expect(err).toContain('bad.openfaas-fn fails: the rest of its letters is left for another time')
    expect(calls.filter((call) => call.startsWith('bad')).length).toBeLessThan(10)
  })

  test('a function that is gone is said to be gone', async () => {
    const { replay, calls } = await scene([letterOf('e-1', 'removed.openfaas-fn')])
    const { code, answer } = await replay()
    expect([code, answer.failures]).toEqual([
      1,
      [{ event: 'e-1', function: 'removed.openfaas-fn', reason: 'the gateway does not list the function' }],
    ])
    expect(calls).toEqual([])
  })
})

describe('what is selected', () => {
  test('a dry run calls and writes nothing', async () => {
    const { replay, calls, letters } = await scene([
      letterOf('e-1', 'good.openfaas-fn'),
      letterOf('e-2', 'bad.openfaas-fn', { reason: 'rejected' }),
    ])
    const { code, answer } = await replay('--dry-run')
    expect([code, answer.groups]).toEqual([
      0,
      [
        { function: 'good.openfaas-fn', reason: 'exhausted', count: 1 },
        { function: 'bad.openfaas-fn', reason: 'rejected', count: 1 },
      ],
    ])
    expect([calls, existsSync(join(letters, 'replayed'))]).toEqual([[], false])
  })

  test('by function, by time, and never what no function is involved in', async () => {
    const late = { diedAt: Date.UTC(2026, 10, 26) }
    const { replay, calls } = await scene([
      letterOf('old', 'good.openfaas-fn'),
      letterOf('new', 'good.openfaas-fn', late),
      letterOf('other', 'other.openfaas-fn', late),
      letterOf('nobody', undefined, { ...late, reason: 'decode' }),
    ])
    const { answer } = await replay('--only-function', 'good', '--since', '2026-11-25T12:00:00Z')
    expect(answer.skipped).toEqual({ 'before-since': 1, 'other-function': 1, 'no-function': 1 })
    expect(calls).toEqual(['good new'])
  })
})

test('a gateway that cannot be reached is an error, and nothing is recorded', async () => {
  const { replay, gateway } = await scene([letterOf('e-1', 'good.openfaas-fn')])
  await gateway.close()
  expect(await replay()).toMatchObject({ code: 1, out: '', err: expect.stringContaining('E_CLI_UNREACHABLE') })
})

test('two replays of the same letters at once are refused', async () => {
  const { replay, calls } = await scene(Array.from({ length: 4 }, (_, index) => letterOf(`e-${index}`, 'good.openfaas-fn')))
  const slow = replay('--rate', '2/s')
  // Which of two that begin together is first is a matter of luck.
  await expect.poll(() => calls.length, { timeout: 10_000, interval: 10 }).toBeGreaterThan(0)
  const second = await replay()
  expect(second).toMatchObject({ code: 1, err: expect.stringContaining('E_JOURNAL_LOCKED') })
  expect((await slow).answer.delivered).toBe(4)
})

test.each([
  ['--since', 'yesterday'],
  ['--max', '0'],
  ['--rate', 'fast'],
  ['--attempts', 'x'],
  ['--concurrency', '-1'],
])('%s %s is wrong usage', async (...flags) => {
  const folder = folderOf()
  await writeLetters(join(folder, 'd'), [letterOf('e', 'f')])
  expect(await run(['replay', 'd', ...flags], { cwd: folder })).toMatchObject({ code: 2, out: '' })
})

test('a path that does not exist is wrong usage', async () => {
  expect(await run(['replay', 'nowhere'], { cwd: folderOf() })).toMatchObject({ code: 2, err: expect.stringContaining('nowhere') })
})
