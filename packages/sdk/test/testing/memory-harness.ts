import type { Source } from '../../src/contract/source.ts'
import type { SourceHarness } from '../../src/testing/conformance/harness.ts'
import { memoryLog } from '../../src/testing/memory-log.ts'
import type { MemoryLog } from '../../src/testing/memory-log.ts'
import { memorySource } from '../../src/testing/memory-source.ts'
import type { MemorySourceOptions } from '../../src/testing/memory-source.ts'

/** Where a fault can be planted: between source and broker, or between runtime and source. */
export interface Fault {
  readonly broker?: (log: MemoryLog) => MemoryLog
  readonly source?: (source: Source, log: MemoryLog) => Source
}

/** The in-memory source under the suite, whole or with a fault. */
export const memoryHarness = (options: MemorySourceOptions, fault: Fault = {}): SourceHarness => {
  const intakes = ['left', 'right']
  let log = memoryLog({ intakes })
  const spool = options.replay === 'spool'
  return {
    name: `memory, ${options.replay ?? 'broker'}, ${options.position ?? 'each'}`,
    durable: true,
    intakes: 2,
    replay: options.replay ?? 'broker',
    unreadable: !spool,
    defer: options.defer ?? false,
    setup() {
      log = memoryLog({ intakes })
    },
    create() {
      const source = memorySource(fault.broker?.(log) ?? log, options)
      return fault.source?.(source, log) ?? source
    },
    async publish(events) {
      const answers: boolean[] = []
      for (const { data, intake, unreadable } of events) {
        const name = intakes[intake] as string
        const record = { data, ...(unreadable && { unreadable: { reason: 'decode', detail: 'not in any known form' } as const }) }
        if (spool) answers.push(await log.offer(name, record))
        else log.publish(name, record)
      }
      return answers
    },
    disconnect: () => log.disconnect('the cable was pulled'),
    restart: () => log.restart(),
    revoke: () => log.revoke(['left']),
    position: () => log.position(),
    complaints: () => log.complaints,
    teardown: () => log.dispose(),
  }
}
