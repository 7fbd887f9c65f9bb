import { describeError, formatDuration } from '@millrace/sdk'
import type { AttemptReport, Connector, FunctionsChange, Settlement } from '@millrace/sdk'
import type { Line, LineKind } from './line.ts'
import type { Narrator } from './narrator.ts'

const took = (ms: number): string => (ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`)

const seenIn = ({ result }: AttemptReport): string => {
  if (result.kind === 'aborted') return 'stopped'
  return result.kind === 'response'
    ? `${result.reply.status} in ${took(result.durationMs)}`
    : `${result.cause} after ${took(result.durationMs)}`
}

/** What an attempt came to, for the settle table's outcome. */
const attemptLine = (report: AttemptReport): Line => {
  const { event, attempt, outcome, row } = report
  const begin = `attempt ${attempt}: ${seenIn(report)}`
  const line = (kind: LineKind, text: string): Line => ({ kind, about: report.function, text, id: event.id })
  switch (outcome.kind) {
    case 'done':
      return line('done', report.async ? `${begin}, queued by the gateway` : begin)
    case 'retry': {
      const counts = outcome.counts ? '' : ', does not count'
      return line('retry', `${begin} (${row}${counts}), again in ${formatDuration(Math.round(report.waitMs ?? outcome.afterMs))}`)
    }
    case 'dead-letter':
      return line('failed', `${begin} (${row}): ${outcome.reason}`)
    case 'drop':
      return line('failed', `${begin} (${row}): the function is no longer listed`)
    case 'hold':
      return line('held', `${begin} (${row}): ${outcome.reason}, again in ${formatDuration(outcome.afterMs)}`)
  }
}

/** `2 done, 1 filtered`. */
const summarise = ({ results }: Settlement): string => {
  const counts = new Map<string, number>()
  for (const { outcome } of results) counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
  return [...counts].map(([outcome, count]) => `${count} ${outcome}`).join(', ')
}

const changes = ({ added, changed, removed }: FunctionsChange): string => {
  const names = [
    ...added.map((declared) => `+${declared.function}`),
    ...changed.map(({ after }) => `~${after.function}`),
    ...removed.map((declared) => `-${declared.function}`),
  ].map((name) => name.replace(/\.openfaas-fn$/, ''))
  return names.length > 12 ? `${names.slice(0, 12).join(' ')} and ${names.length - 12} more` : names.join(' ')
}

const narrateEvents = (connector: Connector, name: string, narrator: Narrator): void => {
  connector.on('event:received', ({ event }) => narrator.say({ kind: 'event', about: event.topic, text: `from ${name}`, id: event.id }))
  connector.on('event:unmatched', ({ event, policy }) =>
    narrator.say({ kind: 'unmatched', about: event.topic, text: `no function wants this topic: ${policy}`, id: event.id }),
  )
  connector.on('attempt:finished', (report) => narrator.say(attemptLine(report)))
  connector.on('route:settled', ({ event, result: { target, outcome } }) => {
    if (outcome === 'filtered')
      narrator.say({ kind: 'skipped', about: target.function, text: 'its filter does not want the event', id: event.id })
    else if (outcome === 'dropped') narrator.say({ kind: 'skipped', about: target.function, text: 'dropped, by policy', id: event.id })
  })
  connector.on('event:acknowledged', ({ event, settlement, tookMs }) => {
    // The line before has said that nobody wants it.
    if (settlement.results.length === 0) return
    narrator.say({ kind: 'acked', about: event.topic, text: `${summarise(settlement)} in ${took(tookMs)}`, id: event.id })
  })
  connector.on('event:released', ({ event, reason }) =>
    narrator.say({ kind: 'released', about: event.topic, text: `given back: ${reason}`, id: event.id }),
  )
  connector.on('event:ack-failed', ({ event, error }) =>
    narrator.say({
      kind: 'warning',
      about: event.topic,
      text: `not acknowledged, it comes again: ${describeError(error, 200)}`,
      id: event.id,
    }),
  )
  connector.on('dead-letter:written', ({ letter }) =>
    narrator.say({
      kind: 'dead',
      about: letter.function ?? letter.event.topic,
      text: `${letter.reason} after ${letter.attempts} attempts, kept in the dead letters`,
      id: letter.event.id,
    }),
  )
}

const narrateSurroundings = (connector: Connector, name: string, narrator: Narrator): void => {
  connector.on('breaker:changed', ({ scope, state, why }) =>
    narrator.say({ kind: 'breaker', about: scope === 'gateway' ? 'gateway' : scope.function, text: `${state}: ${why}` }),
  )
  connector.on('source:connected', () => narrator.say({ kind: 'source', about: name, text: 'connected' }))
  connector.on('source:lost', ({ error, retryMs }) =>
    narrator.say({
      kind: 'warning',
      about: name,
      text: `not connected, again in ${formatDuration(retryMs)}: ${describeError(error, 300)}`,
    }),
  )
}

/** Says what the topic map is, what is wrong in it and when it cannot be read; once, since all connectors of a process read the same list. */
export const narrateMap = (connectors: readonly Connector[], narrator: Narrator): void => {
  const said = new Set<string>()
  const problems = (): void => {
    for (const { function: name, annotation, reason } of connectors.flatMap((connector) => connector.problems())) {
      const key = `${name}\n${annotation}\n${reason}`
      if (said.has(key) || said.size >= 1000) continue
      said.add(key)
      narrator.say({ kind: 'warning', about: name, text: `annotation ${annotation}: ${reason}` })
    }
  }
  const [first] = connectors
  first?.on('map:changed', ({ change, functions }) => narrator.say({ kind: 'map', about: `${functions} functions`, text: changes(change) }))
  first?.on('discovery:listed', problems)
  first?.on('discovery:failed', ({ error, consecutiveFailures }) => {
    // The first, the second, the fourth, and so on: a gateway that is down for an hour fills no screen.
    if (Number.isInteger(Math.log2(consecutiveFailures))) {
      narrator.say({ kind: 'warning', about: 'gateway', text: `the functions could not be listed: ${describeError(error, 300)}` })
    }
  })
}

/** Tells what one connector does. */
export const narrateConnector = (connector: Connector, name: string, narrator: Narrator): void => {
  narrateEvents(connector, name, narrator)
  narrateSurroundings(connector, name, narrator)
}
