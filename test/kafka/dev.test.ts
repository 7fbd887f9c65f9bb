import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { type MillraceProcess, startMillrace } from '../e2e/dev-process.ts'
import { scratchFolder } from '../processes/reaper.ts'
import { createClient, kafka, uniqueName } from '../servers/kafka.ts'

let running: MillraceProcess | undefined

afterEach(async () => {
  running?.kill('SIGKILL')
  await running?.ended
})

test('npm start -- --kafka HOST:PORT: a record of a topic reaches the function of the embedded gateway that names it', async () => {
  const broker = await kafka.shared()
  const topic = uniqueName('dev')
  await broker.createTopic(topic)
  const folder = scratchFolder('dev-kafka')
  const handler = "module.exports = async (event, context) => context.status(200).succeed('got ' + event.headers['x-kafka-offset'])\n"
  writeFileSync(join(folder.path, 'handler.js'), handler)
  const stack = `version: 1.0\nprovider:\n  name: openfaas\nfunctions:\n  shop:\n    lang: node\n    handler: .\n    annotations:\n      topic: ${topic}\n`
  writeFileSync(join(folder.path, 'stack.yaml'), stack)
  const free = ['--gateway-port', '0', '--events-port', '0', '--admin-port', '0']
  running = startMillrace(['dev', ...free, '--kafka', broker.bootstrap.join(',')], folder.path)
  await running.line(/^ready gateway=/m, 60_000)
  const producer = createClient({ brokers: [...broker.bootstrap] }).producer()
  await producer.connect()
  await producer.send({ topic, messages: [{ key: 'k', value: '{"order":1}', headers: { 'content-type': 'application/json' } }] })
  await producer.disconnect()
  await running.line(new RegExp(`event +${topic} .*from kafka`), 60_000)
  await running.line(/done +shop +attempt 1: 200/, 60_000)
  running.kill('SIGTERM')
  expect((await running.ended).code).toBe(0)
}, 180_000)
