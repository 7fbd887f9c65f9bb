import { beforeAll, expect, test } from 'vitest'
import { kafka, type SharedKafka } from '../servers/kafka.ts'
import { KafkaRun } from './kit/run.ts'
import { stopUnderLoad } from './scenarios/stop.ts'

let server: SharedKafka
beforeAll(async () => {
  server = await kafka.shared()
}, 180_000)

test(
  'T2 N5 SIGTERM under load: exit 0 within the drain, nothing lost, repeated or dead-lettered, and the next one goes on',
  { timeout: 90_000 },
  async () => {
    await using run = await KafkaRun.open({ brokers: server.bootstrap, behaviour: [{ delayMs: [50, 300] }] })
    const load = run.load({ perSecond: 200 })
    const stops = []
    for (const afterMs of [50, 700]) stops.push(await stopUnderLoad(run, await run.start(), afterMs))
    const last = await run.start()
    await load.finish()
    await run.drained()
    console.log('SIGTERM', stops)
    const found = await run.report({ duplicateBound: 0, metrics: await last.metrics() })
    expect(found.problems).toEqual([])
    expect(found.succeeded).toBe(found.confirmed)
    expect(found.cut).toBe(0)
    // It was in the middle of something, or this shows nothing.
    for (const { running, tookMs } of stops) {
      expect(running).toBeGreaterThan(0)
      expect(tookMs).toBeLessThan(15_000)
    }
  },
)
