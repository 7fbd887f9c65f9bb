import { beforeAll, expect, test } from 'vitest'
import { rabbitmq, type SharedRabbitmq } from '../../servers/rabbitmq.ts'
import { RabbitmqRun } from './run.ts'
let broker: SharedRabbitmq
beforeAll(async () => {
  broker = await rabbitmq.shared()
}, 180_000)
test.each(['queue', 'binding'] as const)('%s', { timeout: 60_000 }, async (mode) => {
  await using run = await RabbitmqRun.open({ broker, mode, behaviour: [{ delayMs: [0, 50] }] })
  const load = run.load({ perSecond: 100, total: 300 })
  const connector = await run.start()
  await connector.ready()
  await load.done
  await run.drained()
  const found = await run.report({ metrics: await connector.metrics() })
  console.log(JSON.stringify({ ...found, refused: load.refused }))
  expect(found.problems).toEqual([])
})
