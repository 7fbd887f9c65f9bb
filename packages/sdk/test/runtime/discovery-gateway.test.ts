import { afterEach, expect, test } from 'vitest'
import { defaultPolicy } from '../../src/core/function-policy.ts'
import { TopicMap } from '../../src/core/topics/topic-map.ts'
import { createGatewayClient } from '../../src/ports/gateway/gateway-client.ts'
import { silentLogger } from '../../src/ports/logging/pino-logger.ts'
import { Discovery } from '../../src/runtime/discovery.ts'
import { fakeGateway } from '../../src/testing/fake-gateway.ts'
import { leakGuard } from '../../src/testing/leak-guard.ts'
import type { ListFault } from '../../src/testing/list-faults.ts'
import { manualClock } from '../../src/testing/manual-clock.ts'

leakGuard()

const stops: (() => Promise<unknown>)[] = []
afterEach(async () => {
  while (stops.length > 0) await stops.pop()?.()
})

const faults: readonly ListFault[] = [
  'null',
  'empty',
  'not-objects',
  '400',
  '401',
  '403',
  '500',
  '502-empty',
  '502-newline',
  'html',
  'truncated-json',
  'hang',
  'reset',
  'empty-reply',
  'endless',
  'namespaces-empty',
  'namespaces-null',
  'namespaces-502',
]

test.each(faults)('openfaas S1, T20 the last good map survives the list fault %s', async (fault) => {
  const gateway = await fakeGateway({ functions: { 'f.openfaas-fn': { annotations: { topic: 't' } } } })
  stops.push(() => gateway.close())
  const client = createGatewayClient({ url: gateway.url, timeoutMs: 250, maxBytes: 1_000_000 })
  stops.push(() => client.close())
  const options = { defaults: defaultPolicy }
  const discovery = new Discovery({
    client,
    clock: manualClock(),
    random: () => 0.5,
    intervalMs: 30_000,
    build: (functions, previous) => TopicMap.build(functions, options, previous),
    logger: silentLogger,
  })
  stops.push(() => discovery.stop())
  discovery.start()
  await discovery.refresh()
  expect(discovery.map?.match('t').map(({ declaration }) => declaration.function)).toEqual(['f.openfaas-fn'])
  gateway.listFaults.set(fault)
  await discovery.refresh()
  await discovery.refresh()
  expect(discovery.map?.match('t').map(({ declaration }) => declaration.function)).toEqual(['f.openfaas-fn'])
  gateway.listFaults.clear()
  gateway.annotate('f.openfaas-fn', { topic: 'u' })
  await discovery.refresh()
  expect(discovery.map?.exactTopics()).toEqual(['u'])
})
