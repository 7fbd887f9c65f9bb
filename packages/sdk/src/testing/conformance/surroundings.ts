import type { Delivery } from '../../contract/delivery.ts'
import type { FunctionDeclaration, FunctionsView } from '../../contract/functions-view.ts'

const probeFunction: FunctionDeclaration = {
  function: 'probe',
  name: 'probe',
  topics: ['#'],
  annotations: new Map([['topic', '#']]),
  revision: '1',
}

/** A map that never changes. */
export const fixedFunctions = (functions: readonly FunctionDeclaration[] = [probeFunction]): FunctionsView => ({
  snapshot: () => functions,
  get: (name) => functions.find((declared) => declared.function === name),
  subscribe: () => () => {},
})

const field = (value: string | Uint8Array): string => (typeof value === 'string' ? value : Buffer.from(value).toString('base64'))

/** Everything of a delivery that a function could notice, as one string. Field by field: an event may work them out when it is asked. */
export const snapshotOf = ({ event, intake, targets, asksFilter, unreadable, unlisted }: Delivery): string =>
  JSON.stringify({
    id: event.id,
    ambiguousId: event.ambiguousId,
    source: event.source,
    type: event.type,
    topic: event.topic,
    time: event.time,
    data: field(event.data),
    contentType: event.contentType,
    headers: event.headers.map(([name, value]) => [name, field(value)]),
    attributes: event.attributes?.map(([name, value]) => [name, field(value)]),
    naming: event.naming,
    orderingKey: event.orderingKey,
    partition: event.partition,
    intake,
    targets,
    asksFilter,
    unreadable,
    unlisted,
  })
