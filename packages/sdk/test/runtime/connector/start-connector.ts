import { onTestFinished } from 'vitest'
import { createConnector, type Connector } from '../../../src/runtime/connector.ts'
import type { ConnectorOptions } from '../../../src/runtime/connector-options.ts'
import { fakeGateway, type FakeGateway, type FakeGatewayOptions } from '../../../src/testing/index.ts'
import { memoryLog } from '../../../src/testing/memory-log.ts'
import { memorySource, type MemorySourceOptions } from '../../../src/testing/memory-source.ts'

export interface Bench {
  readonly gateway: FakeGateway
  readonly connector: Connector
  readonly log: ReturnType<typeof memoryLog>
}

/** A fake gateway, a broker in memory and a connector between them; all closed when the test ends. Not started. */
export const bench = async (
  functions: FakeGatewayOptions['functions'],
  more: { connector?: Partial<ConnectorOptions>; source?: MemorySourceOptions; gateway?: FakeGatewayOptions } = {},
): Promise<Bench> => {
  const gateway = await fakeGateway({ functions: functions ?? {}, ...more.gateway })
  const log = memoryLog()
  const connector = createConnector({
    gateway: { url: gateway.url },
    source: memorySource(log, more.source),
    rebuildIntervalMs: 50,
    policy: { retry: { minWaitMs: 10, maxWaitMs: 50 } },
    drainMs: 2_000,
    ...more.connector,
  })
  onTestFinished(async () => {
    await connector.kill()
    await gateway.close()
  })
  return { gateway, connector, log }
}

/** Polls until the condition holds; fails after two seconds. For things that happen over a socket. */
export const until = async (what: string, holds: () => boolean): Promise<void> => {
  const end = Date.now() + 5_000
  while (!holds()) {
    if (Date.now() > end) throw new Error(`still not so: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
