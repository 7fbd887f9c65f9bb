import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { type MillraceProcess, startMillrace } from '../e2e/dev-process.ts'
import { scratchFolder } from '../processes/reaper.ts'
import { publishConfirmed, rabbitmq, uniqueName, withChannel } from '../servers/rabbitmq.ts'

let running: MillraceProcess | undefined

afterEach(async () => {
  running?.kill('SIGKILL')
  await running?.ended
})

test('npm start -- --rabbitmq URL: a message of a queue reaches the function of the embedded gateway that names it', async () => {
  const broker = await rabbitmq.shared()
  const vhost = uniqueName('dev')
  await broker.addVhost(vhost)
  const folder = scratchFolder('dev-rabbitmq')
  const handler = "module.exports = async (event, context) => context.status(200).succeed('got ' + event.headers['x-rabbitmq-msg-id'])\n"
  writeFileSync(join(folder.path, 'handler.js'), handler)
  const stack = `version: 1.0\nprovider:\n  name: openfaas\nfunctions:\n  shop:\n    lang: node\n    handler: .\n    annotations:\n      topic: orders\n`
  writeFileSync(join(folder.path, 'stack.yaml'), stack)
  const free = ['--gateway-port', '0', '--events-port', '0', '--admin-port', '0']
  const { username, password } = broker.credentials.admin
  const url = `amqp://${broker.host}:${broker.port}/${vhost}`
  running = startMillrace(['dev', ...free, '--rabbitmq', url], folder.path, { rabbitmq_username: username, rabbitmq_password: password })
  await running.line(/^ready gateway=/m, 60_000)
  // The queue is made by the connector.
  expect(await broker.depth('orders', vhost)).toMatchObject({ ready: 0 })
  const message = { messageId: 'm-1', contentType: 'application/json' }
  await withChannel(broker.url({ vhost }), (channel) =>
    publishConfirmed(channel, { exchange: '', routingKey: 'orders' }, '{"order":1}', message),
  )
  await running.line(/event +orders .*from rabbitmq/, 60_000)
  await running.line(/done +shop +attempt 1: 200/, 60_000)
  running.kill('SIGTERM')
  expect((await running.ended).code).toBe(0)
  expect(await broker.depth('orders', vhost)).toEqual({ ready: 0, unacked: 0 })
  await broker.deleteVhost(vhost)
}, 180_000)
