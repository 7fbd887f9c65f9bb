#!/usr/bin/env node
import { describeError, isMillraceError } from '@millrace/sdk/testing/gateway'
import { helpText, readCommandLine } from './command-line.ts'
import { startDevGateway } from './dev-gateway.ts'
import type { DevGatewayEmitter } from './events.ts'
import { invocationLine, printable } from './log-line.ts'

const say = (text: string): void => console.log(`${new Date().toISOString().slice(11, 23)} ${text}`)
const explain = (error: unknown): string => (isMillraceError(error) ? error.explain() : describeError(error))

const narrate = (events: DevGatewayEmitter): void => {
  events.on('function:invoked', (call) => say(invocationLine(call)))
  events.on('function:output', ({ function: name, line }) => say(`${name} | ${printable(line, 4096)}`))
  events.on('function:crashed', ({ function: name, reason }) =>
    say(`${name} is down and will be started again: ${printable(reason, 1024)}`),
  )
  events.on('function:threw', ({ function: name }) =>
    say(`${name} threw: answered 500. OpenFaaS' Node template would answer 200; use context.fail(error)`),
  )
  events.on('async:failed', ({ what, reason }) => say(`${printable(what)} could not be delivered: ${printable(reason, 1024)}`))
  events.on('stack:refused', ({ error }) => say(`not reloaded: ${explain(error)}`))
  events.on('stack:reloaded', ({ functions, changed, warnings }) => {
    for (const warning of warnings) say(`warning: ${printable(warning, 400)}`)
    say(`${functions} functions, changed: ${changed.length === 0 ? 'none' : changed.join(', ')}`)
  })
}

const main = async (): Promise<void> => {
  const options = readCommandLine(process.argv.slice(2), process.env)
  if (options === 'help') return void process.stdout.write(helpText)
  const gateway = await startDevGateway({ ...options, subscribe: narrate })
  console.log(`ready gateway=${gateway.url}`)
  process.on('SIGHUP', () => void gateway.reload().catch(() => undefined))
  const stop = (): void => void gateway.close().then(() => process.exit(0))
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
}

main().catch((error: unknown) => {
  console.error(explain(error))
  process.exit(isMillraceError(error) && error.code === 'E_DEVGATEWAY_USAGE' ? 2 : 1)
})
