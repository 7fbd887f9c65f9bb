import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { describeError, MillraceError } from '@millrace/sdk/testing/gateway'
import type { DevGatewayOptions } from './dev-gateway.ts'
import type { Variables } from './stack/substitute.ts'

export const helpText = `Usage: millrace-dev-gateway [flags]

An OpenFaaS gateway in one process, for development and tests

  --stack FILE                  stack file of faas-cli          (stack.yaml)
  --host ADDRESS                where to listen                 (127.0.0.1)
  --port NUMBER                 0 picks a free one              (8080)
  --fault-plan FILE             answer some calls wrongly       (none)
  --namespace NAME              of functions that name none     (openfaas-fn)
  --basic-auth-user NAME        ask for it on /system/*         (none)
  --basic-auth-password-file F  the password of that user
  --no-watch                    do not reload by itself; SIGHUP does
  --no-async                    no /async-function/
  --help

Example
  millrace-dev-gateway --stack examples/stack.yaml --port 8080
`

const wrong = (reason: string): never => {
  throw new MillraceError('E_DEVGATEWAY_USAGE', { reason })
}

const portOf = (text: string): number => {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1
  return port >= 0 && port <= 65_535 ? port : wrong('--port must be a number from 0 to 65535')
}

const passwordOf = (file: string | undefined): string => {
  if (file === undefined) return wrong('--basic-auth-user needs --basic-auth-password-file')
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    return wrong(`--basic-auth-password-file cannot be read: ${describeError(error)}`)
  }
}

const parse = (argv: readonly string[]) => {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        stack: { type: 'string', default: 'stack.yaml' },
        host: { type: 'string', default: '127.0.0.1' },
        port: { type: 'string', default: '8080' },
        'fault-plan': { type: 'string' },
        namespace: { type: 'string' },
        'basic-auth-user': { type: 'string' },
        'basic-auth-password-file': { type: 'string' },
        'no-watch': { type: 'boolean', default: false },
        'no-async': { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    return wrong(describeError(error))
  }
}

/** Options from the arguments after the program's name. @throws MillraceError `E_DEVGATEWAY_USAGE` */
export const readCommandLine = (argv: readonly string[], variables: Variables): DevGatewayOptions | 'help' => {
  const given = parse(argv)
  if (given.help) return 'help'
  const user = given['basic-auth-user']
  return {
    stack: given.stack,
    host: given.host,
    port: portOf(given.port),
    variables,
    watch: !given['no-watch'],
    async: !given['no-async'],
    ...(given['fault-plan'] === undefined ? {} : { faultPlan: given['fault-plan'] }),
    ...(given.namespace === undefined ? {} : { namespace: given.namespace }),
    ...(user === undefined ? {} : { basicAuth: { user, password: passwordOf(given['basic-auth-password-file']) } }),
  }
}
