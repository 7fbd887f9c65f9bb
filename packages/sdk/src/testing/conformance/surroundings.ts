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

/** Everything of a delivery that a function could notice, as one string. */
export const snapshotOf = ({ event, intake, targets, unreadable }: Delivery): string =>
  JSON.stringify({
    ...event,
    data: field(event.data),
    headers: event.headers.map(([name, value]) => [name, field(value)]),
    attributes: event.attributes?.map(([name, value]) => [name, field(value)]),
    intake,
    targets,
    unreadable,
  })
