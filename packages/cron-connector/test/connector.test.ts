import { createConnector } from '@millrace/sdk'
import { fakeGateway, leakGuard } from '@millrace/sdk/testing'
import { expect, it } from 'vitest'
import { cronSource } from '@millrace/cron-connector'

leakGuard()

it('C1 C4 calls the function on its schedule, retries a failure with the same id, and stops', async () => {
  await using gateway = await fakeGateway({
    functions: {
      tick: {
        annotations: {
          topic: 'cron-function',
          schedule: '* * * * * *',
          'com.openfaas.connector.payload': 'hello',
          'com.openfaas.retry.min_wait': '1ms',
        },
        handler: (call) => ({ status: call.header('x-delivery-attempt') === '1' ? 500 : 200 }),
      },
    },
  })
  const connector = createConnector({ gateway: { url: gateway.url }, source: cronSource() })
  await connector.start()
  const requests = await gateway.waitFor(2, 5000)
  await connector.stop()
  const [first, second] = requests
  expect([first?.header('x-delivery-attempt'), second?.header('x-delivery-attempt')]).toEqual(['1', '2'])
  const expected = {
    'x-topic': 'cron-function',
    'x-connector': 'millrace/cron-connector',
    'x-cron-schedule': '* * * * * *',
    'x-cron-trigger': 'schedule',
    'x-cron-timezone': 'UTC',
  }
  for (const [name, value] of Object.entries(expected)) expect(first?.header(name), name).toBe(value)
  expect(first?.header('x-call-id')).toBe(first?.header('x-event-id'))
  expect(second?.header('x-event-id')).toBe(first?.header('x-event-id'))
  expect(first?.body.toString()).toBe('hello')
})
