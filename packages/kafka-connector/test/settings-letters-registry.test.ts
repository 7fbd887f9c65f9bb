import { ConfigError, coreSettings, loadConfig, silentLogger } from '@millrace/sdk'
import { expect, it } from 'vitest'
import { kafkaSettings } from '../src/settings.ts'
import { kafkaOptions } from '../src/source-options.ts'

const load = async (env: Record<string, string>) => {
  const none = (): Promise<string> => Promise.reject(Object.assign(new Error('ENOENT'), { code: 'ENOENT' }))
  const { values } = await loadConfig({ core: coreSettings, kafka: kafkaSettings }, { argv: [], env, files: { read: none, version: none } })
  return values.kafka
}

it('dead letters go to topics, and no registry is asked, unless somebody says otherwise', async () => {
  const options = kafkaOptions(await load({}), silentLogger)
  expect([options.deadLetters?.topicFor({ topic: 'orders' }), options.decoder]).toEqual(['orders.dlq', undefined])
  const other = kafkaOptions(
    await load({ kafka_dead_letters: 'none', schema_registry_url: 'http://registry:8081', kafka_max_batch_bytes: '1MiB' }),
    silentLogger,
  )
  expect([other.deadLetters, typeof other.decoder, other.maxBatchBytes]).toEqual([undefined, 'function', 1_048_576])
})

it('a dead-letter topic per group and function is named by the group of the topic', async () => {
  const { deadLetters } = kafkaOptions(await load({ group: 'g-{topic}', dead_letter_topic: '{group}.{function}.dead' }), silentLogger)
  expect(deadLetters?.topicFor({ topic: 'orders', function: 'ship.prod' })).toBe('g-orders.ship.prod.dead')
  expect(deadLetters?.isDeadLetterTopic('g-orders.none.dead')).toBe(true)
})

it.each([
  ['a template that every topic fits', { dead_letter_topic: '{topic}' }, /dead_letter_topic/],
  ['a password alone', { schema_registry_url: 'https://r:1', schema_registry_password: 'x' }, /schema_registry_password/],
  ['a user without a registry', { schema_registry_username: 'u', schema_registry_password: 'x' }, /schema_registry_url/],
  ['unknown header names', { dead_letter_headers: 'mine' }, /dead_letter_headers/],
])('%s is refused by name', async (_what, env, reason) => {
  const error: unknown = await load(env as Record<string, string>).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(ConfigError)
  expect((error as Error).message).toMatch(reason)
})
