import { describe, expect, test } from 'vitest'
import { join } from 'node:path'
import { folderOf, provider, run } from './kit.ts'

interface Answer {
  readonly ok: boolean
  readonly problems: number
  readonly warnings: number
  readonly findings: readonly { code: string; severity: string; file?: string; line?: number; function?: string; reason: string }[]
}

const entry = (name: string, ...annotations: readonly string[]): string =>
  `  ${name}:\n    handler: ./f\n    annotations:\n${annotations.map((line) => `      ${line}\n`).join('')}`

const stackOf = (...entries: readonly string[]): string =>
  folderOf({
    'stack.yaml': `${provider}functions:\n${entries.join('')}`,
    'f/handler.js': 'throw new Error("validate must not run functions")',
  })

const validate = async (cwd: string, ...flags: readonly string[]): Promise<{ code: number; answer: Answer }> => {
  const { code, json } = await run(['validate', '--json', ...flags], { cwd })
  return { code, answer: json<Answer>() }
}

test('a good stack file has nothing wrong, strictly', async () => {
  const cwd = stackOf(
    entry('orders', 'topic: orders.created', 'com.openfaas.connector.filter: $.a=1'),
    entry('tick', 'topic: cron-function', 'schedule: "*/5 * * * *"'),
  )
  expect(await run(['validate', '--strict'], { cwd })).toMatchObject({ code: 0, out: '0 problems, 0 warnings\n', err: '' })
})

test('the stack file of the examples has nothing wrong', async () => {
  const { code, out } = await run(['validate', '--strict', '--stack', join(import.meta.dirname, '../../../examples/stack.yaml')])
  expect(code, out).toBe(0)
})

describe('every problem is told with its place', () => {
  test('filters, retries and topics', async () => {
    const cwd = stackOf(
      entry('bad-filter', 'topic: a', 'com.openfaas.connector.filter: "$.a ~ 1"'),
      entry('bad-retry', 'topic: b', 'com.openfaas.retry.attempts: many'),
      entry('bad-topic', 'topic: "orders.>.created"'),
    )
    const { code, answer } = await validate(cwd)
    expect(code).toBe(1)
    expect(answer.findings.map(({ file, line, function: name, severity }) => `${file}:${line} ${name} ${severity}`)).toEqual([
      'stack.yaml:8 bad-filter problem',
      'stack.yaml:13 bad-retry problem',
      'stack.yaml:17 bad-topic problem',
    ])
  })

  test('schedules, by the code that runs them', async () => {
    const cwd = stackOf(
      entry('impossible', 'topic: cron-function', 'schedule: 0 0 30 2 *'),
      entry('nowhere', 'topic: cron-function', 'schedule: 0 9 * * *', 'com.openfaas.connector.timezone: Mars/Olympus'),
      entry('forgotten', 'topic: cron-function'),
    )
    const { code, answer } = await validate(cwd)
    expect(code).toBe(1)
    const found = answer.findings.map(({ code: kind, line, function: name }) => `${kind} ${line} ${name}`)
    expect(found).toEqual(
      expect.arrayContaining(['schedule 8 impossible', 'schedule 14 nowhere', expect.stringMatching(/^schedule \d+ forgotten$/)]),
    )
    expect(found).toHaveLength(3)
  })

  test('the stack file itself', async () => {
    const cwd = folderOf({ 'stack.yaml': `${provider}functions:\n  Bad_Name:\n    handler: ./f\n  other:\n    annotations: [1]\n` })
    const { code, out } = await run(['validate'], { cwd })
    expect(code).toBe(1)
    expect(out).toMatch(/^stack\.yaml:4: problem: .*Bad_Name/m)
    expect(out).toMatch(/^stack\.yaml:7: problem: .*annotations/m)
  })

  test('a handler that is not there', async () => {
    const cwd = folderOf({ 'stack.yaml': `${provider}functions:\n  f:\n    handler: ./nowhere\n` })
    const { code, out } = await run(['validate'], { cwd })
    expect([code, out]).toEqual([1, expect.stringMatching(/^stack\.yaml:5: problem: f: .*does not exist/)])
  })

  test('the configuration, all mistakes at once', async () => {
    const cwd = stackOf(entry('a', 'topic: a'))
    const config = join(
      folderOf({ 'millrace.yaml': 'gateway_url: http://gateway:8080\nupstream_timeout: soon\nretry_atempts: 3\n' }),
      'millrace.yaml',
    )
    const { code, answer } = await validate(cwd, '--config', config)
    expect(code).toBe(1)
    expect(answer.findings.map(({ file, line }) => [file, line])).toEqual(
      expect.arrayContaining([
        [config, 2],
        [config, 3],
      ]),
    )
    expect(answer.findings.map(({ reason }) => reason).join('\n')).toMatch(/meant: retry_attempts\?/)
  })

  test('the environment', async () => {
    const { code, out } = await run(['validate'], { cwd: stackOf(entry('a', 'topic: a')), env: { MAX_INFLIGHT: 'plenty' } })
    expect([code, out]).toEqual([1, expect.stringMatching(/problem: max_inflight: .*from env MAX_INFLIGHT/)])
  })
})

describe('warnings', () => {
  test('topics that differ in upper and lower case, or in blanks, only', async () => {
    const cwd = stackOf(
      entry('a', 'topic: orders.created'),
      entry('b', 'topic: Orders.Created'),
      entry('c', 'topic: "orders.\\u00a0created"'),
      entry('d', 'topic: other'),
    )
    const { code, answer } = await validate(cwd)
    expect(code).toBe(0)
    const near = answer.findings.filter((finding) => finding.code === 'near-miss')
    expect(near.every(({ severity, line }) => severity === 'warning' && line !== undefined)).toBe(true)
    expect(near.map(({ reason }) => reason).join('\n')).toMatch(/blanks or invisible characters only/)
    expect(near.map(({ reason }) => reason).join('\n')).toMatch(/upper and lower case only/)
    expect((await validate(cwd, '--strict')).code).toBe(1)
  })

  test('T45 a wildcard that matches a topic that is called like dead letters', async () => {
    const cwd = stackOf(entry('loops', 'topic: orders.#'), entry('mends', 'topic: orders.dlq'), entry('fine', 'topic: orders.*.created'))
    const { code, answer } = await validate(cwd)
    expect(code).toBe(0)
    expect(answer.findings).toEqual([
      expect.objectContaining({ code: 'dead-letter-loop', severity: 'warning', function: 'loops', line: 7 }),
    ])
  })

  test('T45 a wildcard that matches a topic that is known to hold dead letters is refused', async () => {
    const cwd = stackOf(entry('loops', 'topic: orders.*'))
    const { code, answer } = await validate(cwd, '--dead-letter-topic', 'orders.failed')
    expect(code).toBe(1)
    expect(answer.findings).toEqual([expect.objectContaining({ code: 'dead-letter-loop', severity: 'problem', function: 'loops' })])
  })

  test('fields of the stack file that nobody knows', async () => {
    const cwd = folderOf({ 'stack.yaml': `${provider}functions:\n  f:\n    handler: ./f\n    handlr: ./f\n`, 'f/handler.js': '' })
    const { code, answer } = await validate(cwd)
    expect([code, answer.findings]).toEqual([0, [expect.objectContaining({ code: 'unknown-field', line: 6 })]])
  })
})

test('without a stack file it says where it looked; a wrong flag is usage', async () => {
  expect(await run(['validate'], { cwd: folderOf() })).toMatchObject({
    code: 2,
    err: expect.stringMatching(/E_CLI_STACK_ABSENT.*stack\.yaml/),
  })
  expect(await run(['validate', '--nonsense'], { cwd: folderOf() })).toMatchObject({ code: 2, err: expect.stringContaining('--nonsense') })
})

test('annotations of queues and exchanges, by the code that reads them; topics are queues only where RabbitMQ is configured', async () => {
  const cwd = stackOf(
    entry('unbound', 'com.openfaas.connector.exchange: shop'),
    entry('typed', 'com.openfaas.connector.exchange: shop', 'com.openfaas.connector.exchange-type: round'),
    entry('wild', 'topic: "orders.*"'),
  )
  const [other, given] = await Promise.all([
    run(['validate'], { cwd }),
    run(['validate'], { cwd, env: { rabbitmq_url: 'amqp://rabbitmq' } }),
  ])
  expect(other.out).toMatch(/stack\.yaml:6: problem: unbound.*: annotation com\.openfaas\.connector\.routing-keys/)
  expect(other.out).toMatch(/problem: typed.*exchange-type/)
  expect(other.out).not.toContain('wild')
  expect(given.out).toMatch(/problem: wild.*rabbitmq_topics or queues/)
})
