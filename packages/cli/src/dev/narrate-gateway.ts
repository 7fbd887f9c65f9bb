import { describeError, isMillraceError } from '@millrace/sdk'
import type { DevGatewayEmitter } from '@millrace/dev-gateway'
import type { Narrator } from './narrator.ts'

/** Tells what the functions print and what goes wrong in the embedded gateway. Calls are told by the connectors. */
export const narrateGateway =
  (narrator: Narrator, stack: string) =>
  (events: DevGatewayEmitter): void => {
    let isFirst = true
    const warn = (about: string, text: string): void => narrator.say({ kind: 'warning', about, text })
    events.on('function:output', ({ function: about, line }) => narrator.say({ kind: 'output', about, text: `| ${line}` }))
    events.on('function:crashed', ({ function: about, reason }) => warn(about, `it is down and will be started again: ${reason}`))
    events.on('function:threw', ({ function: about }) =>
      warn(about, 'it threw, which is answered with 500 here; OpenFaaS answers 200, so use context.fail(error)'),
    )
    events.on('async:failed', ({ what, reason }) => warn('gateway', `${what} could not be delivered: ${reason}`))
    events.on('stack:refused', ({ error }) =>
      warn('stack file', `not reloaded, the last good one stays: ${isMillraceError(error) ? error.message : describeError(error)}`),
    )
    events.on('stack:reloaded', ({ functions, changed, warnings }) => {
      for (const text of warnings) warn('stack file', text)
      // What came at first is told by the map.
      const text = isFirst ? stack : `read again: ${functions} functions, changed: ${changed.length === 0 ? 'none' : changed.join(', ')}`
      narrator.say({ kind: 'gateway', about: 'stack file', text })
      isFirst = false
    })
    events.on('listener:failed', ({ event, error }) => warn('millrace', `${event}: ${describeError(error)}`))
  }
