import { expect, test } from 'vitest'
import { run } from '../kit.ts'

const printed = async (...flags: readonly string[]): Promise<string> => {
  const { code, out, err } = await run(['dev', '--print-config', ...flags])
  expect(code, err).toBe(0)
  return out
}

test('--rabbitmq names the broker; queues are declared, retries wait here, letters go to files', async () => {
  const text = await printed('--rabbitmq', 'amqp://guest:guest@127.0.0.1:5672')
  expect(text).toContain('rabbitmq_url: amqp://guest:guest@127.0.0.1:5672  # flag --rabbitmq-url')
  for (const line of [
    'rabbitmq_declare_topics: true',
    'rabbitmq_retry_delays: none',
    'rabbitmq_dead_letters: none',
    'kafka_dead_letters: none',
  ])
    expect(text).toContain(`${line}  # default`)
})

test('a password of one’s own is not taken from the flag', async () => {
  const { code, err } = await run(['dev', '--rabbitmq', 'amqp://me:canary@127.0.0.1'])
  expect([code, err.includes('a secret is never taken from a flag'), err.includes('canary')]).toEqual([2, true, false])
})

test('names that both brokers’ connectors have are neither’s: the longer ones are', async () => {
  for (const flag of ['-username-file', '-ca-file', '--key-file']) {
    const { code, err } = await run(['dev', flag, '/x'])
    expect([code, err.includes('there is no such flag')]).toEqual([2, true])
  }
  const { err } = await run(['dev', '--print-config', '--kafka-username-file', '/none-1', '--rabbitmq-username-file', '/none-2'])
  expect(err).toContain('/none-1')
  expect(err).toContain('/none-2')
})
