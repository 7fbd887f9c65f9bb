import type { FunctionDeclaration } from '@millrace/sdk'
import { defaultTopology } from '../../src/topology/options.ts'
import type { TopologyOptions } from '../../src/topology/options.ts'
import { planTopology } from '../../src/topology/plan-topology.ts'
import type { IntakePlan, TopologyPlan } from '../../src/topology/plan.ts'

const ours = 'com.openfaas.connector.'

/** A function with annotations of ours by their short names; `topics` as the map has read them. */
export const fn = (
  key: string,
  annotations: Readonly<Record<string, string>> = {},
  topics: readonly string[] = [],
): FunctionDeclaration => {
  const [name = '', namespace] = key.split('.')
  return {
    function: key,
    name,
    ...(namespace !== undefined && { namespace }),
    topics,
    annotations: new Map(Object.entries(annotations).map(([short, value]) => [`${ours}${short}`, value])),
    revision: '1',
  }
}

export const plan = (functions: readonly FunctionDeclaration[], options: Partial<TopologyOptions> = {}): TopologyPlan =>
  planTopology(functions, { ...defaultTopology, ...options })

/** The intake of a queue; fails the test when there is none. */
export const intakeOf = (planned: TopologyPlan, queue: string): IntakePlan => {
  const intake = planned.intakes.get(queue)
  if (intake === undefined) throw new Error(`no intake ${queue}; there are ${[...planned.intakes.keys()].join(', ') || 'none'}`)
  return intake
}

export const argumentsOf = (planned: TopologyPlan, queue: string): Readonly<Record<string, unknown>> =>
  Object.fromEntries(intakeOf(planned, queue).declare.queue?.arguments ?? [])

export const keysOf = (planned: TopologyPlan, queue: string): readonly string[] =>
  intakeOf(planned, queue).declare.bindings.map(({ routingKey }) => routingKey)

/** `annotation: reason` of each problem of a function. */
export const problemsOf = (planned: TopologyPlan, key: string): readonly string[] =>
  planned.problems
    .filter((problem) => problem.function === key)
    .map(({ annotation, reason }) => `${annotation.replace(ours, '')}: ${reason}`)
