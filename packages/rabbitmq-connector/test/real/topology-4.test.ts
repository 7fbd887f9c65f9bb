import { afterAll, beforeAll, expect, it } from 'vitest'
import { rabbitmq } from '../../../../test/servers/rabbitmq.ts'
import type { RabbitmqServer } from '../../../../test/servers/rabbitmq.ts'
import { fn } from '../topology/kit.ts'
import { onlyIntake, planOf, TopologyBench } from './topology-kit.ts'

let server: RabbitmqServer
let bench: TopologyBench
beforeAll(async () => {
  server = await rabbitmq.single({ version: '4.0' })
  bench = await TopologyBench.open(server)
}, 180_000)
afterAll(async () => {
  await bench.close()
  await server.stop()
})

const declared = fn('f.x', { exchange: 'events', 'exchange-type': 'topic', 'routing-keys': 'a.#' })

it('RabbitMQ 4.0 takes the plan for its version, and of a plan for 3.10 only the limit of letters differs', async () => {
  const link = await bench.link()
  expect(link.serverVersion).toMatch(/^4\.0\./)
  const now = onlyIntake(planOf([declared], { serverVersion: link.serverVersion }))
  await bench.applier().apply(link, onlyIntake(planOf([declared], { serverVersion: '3.10.8' })))
  const { drift } = await bench.applier().apply(link, now)
  expect(drift.map(({ context }) => context['name'])).toEqual(['faas.x.f.dlq'])
  expect(drift[0]?.message).toContain("inequivalent arg 'x-delivery-limit'")
  const channel = await link.openChannel()
  for (const queue of [now.queue, ...now.declare.besides.map((beside) => beside.queue)]) {
    await channel.deleteQueue(queue, { ifEmpty: false, ifUnused: false })
  }
  await channel.close()
  bench.lines.splice(0)
  const applier = bench.applier()
  expect(await applier.apply(link, now)).toMatchObject({ drift: [], tiers: now.tiers })
  expect(await applier.apply(link, now)).toMatchObject({ drift: [] })
  expect(bench.lines).toEqual([])
}, 60_000)
