import { isMillraceError, memoryState, Secret } from '@millrace/sdk'
import type { FunctionDeclaration, Logger, LogFields, StateStore } from '@millrace/sdk'
import { manualClock } from '@millrace/sdk/testing'
import { uniqueName } from '../../../../test/servers/rabbitmq.ts'
import type { RabbitmqUser, SharedRabbitmq } from '../../../../test/servers/rabbitmq.ts'
import { TopologyApplier } from '../../src/topology/apply-intake.ts'
import type { ApplierOptions } from '../../src/topology/apply-intake.ts'
import { defaultTopology } from '../../src/topology/options.ts'
import type { TopologyOptions } from '../../src/topology/options.ts'
import { planTopology } from '../../src/topology/plan-topology.ts'
import type { IntakePlan, TopologyPlan } from '../../src/topology/plan.ts'
import type { AmqpLink } from '../../src/transport/transport.ts'
import { TransportBench } from './transport-kit.ts'

export const emptyState = (): StateStore => memoryState({ clock: manualClock() })

/** A store that cannot be reached. */
export const brokenState = (): StateStore => {
  const down = (): Promise<never> => Promise.reject(new Error('down'))
  return { get: down, put: down, delete: down, keys: down, lease: down, close: () => Promise.resolve() }
}

/** A line that was logged. */
export interface Line {
  readonly level: 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: LogFields
}

/** A virtual host of one test file, and what appliers have said in it. */
export class TopologyBench {
  readonly bench: TransportBench
  readonly vhost: string
  readonly lines: Line[] = []

  private constructor(bench: TransportBench, vhost: string) {
    this.bench = bench
    this.vhost = vhost
  }

  /** @param broker absent: the one that the run shares */
  static async open(broker?: SharedRabbitmq): Promise<TopologyBench> {
    const bench = broker === undefined ? await TransportBench.open() : new TransportBench(broker)
    const vhost = uniqueName('topology')
    await bench.broker.addVhost(vhost)
    bench.atEnd(() => bench.broker.deleteVhost(vhost))
    return new TopologyBench(bench, vhost)
  }

  /** A link of its own. @param user absent: the administrator */
  link(user?: RabbitmqUser): Promise<AmqpLink> {
    const { bench, vhost } = this
    const login = user && { username: user.username, password: new Secret(user.password) }
    const connection = bench.connection({ vhost, ...(login !== undefined && { material: () => Promise.resolve({ login }) }) })
    return connection.link(10_000)
  }

  applier(options: Partial<ApplierOptions> = {}): TopologyApplier {
    return new TopologyApplier({
      state: emptyState(),
      clock: manualClock(),
      logger: this.#logger(),
      vhost: this.vhost,
      owner: 'test',
      ...options,
    })
  }

  /** Codes of what was warned of, in order. */
  get warnings(): readonly unknown[] {
    return this.lines.filter(({ level }) => level === 'warn').map(({ fields }) => fields['code'])
  }

  /** `exchange/key` of the bindings of a queue, the default one left out. */
  async bindings(queue: string): Promise<readonly string[]> {
    const path = `/api/queues/${encodeURIComponent(this.vhost)}/${encodeURIComponent(queue)}/bindings`
    const found = ((await this.bench.broker.management('GET', path)) ?? []) as readonly {
      readonly source: string
      readonly routing_key: string
    }[]
    return found
      .filter(({ source }) => source !== '')
      .map(({ source, routing_key: key }) => `${source}/${key}`)
      .toSorted()
  }

  #logger(): Logger {
    const add =
      (level: Line['level']) =>
      (message: string, fields: LogFields = {}): void =>
        void this.lines.push({ level, message, fields })
    const logger: Logger = {
      trace: () => {},
      debug: () => {},
      info: add('info'),
      warn: add('warn'),
      error: add('error'),
      child: () => logger,
    }
    return logger
  }

  close(): Promise<void> {
    return this.bench.close()
  }
}

export const planOf = (functions: readonly FunctionDeclaration[], options: Partial<TopologyOptions> = {}): TopologyPlan =>
  planTopology(functions, { ...defaultTopology, ...options })

/** The only intake of a plan. */
export const onlyIntake = (plan: TopologyPlan): IntakePlan => {
  const [intake, ...others] = plan.intakes.values()
  if (intake === undefined || others.length > 0) throw new Error(`one intake was expected, not ${[...plan.intakes.keys()].join(', ')}`)
  return intake
}

export const errorOf = async (
  promise: Promise<unknown>,
): Promise<{ readonly code: string; readonly fix: string; readonly effect: string }> => {
  try {
    await promise
  } catch (error) {
    if (isMillraceError(error)) return error
    throw error
  }
  throw new Error('it did not fail')
}
