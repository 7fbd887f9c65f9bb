import type { FaultRule } from './fault-plan.ts'

/** What goes wrong with `/system/functions` and `/system/namespaces`; names as in the measured contract of the gateway. */
export type ListFault =
  /** The literal `null`. */
  | 'null'
  /** `[]` */
  | 'empty'
  /** Items with no field but the three that are always there; one without annotations and namespace. */
  | 'missing-fields'
  /** An array whose items are not objects. */
  | 'not-objects'
  /** 400, as faas-netes answers for a namespace that it does not serve. */
  | '400'
  /** The gateway's own 401. */
  | '401'
  /** IAM: not permitted. */
  | '403'
  /** The gateway could not parse the provider's list. */
  | '500'
  /** Provider unreachable, without a body. */
  | '502-empty'
  /** Provider unreachable, body `\n`. */
  | '502-newline'
  /** 200 with a page of a proxy or a login. */
  | 'html'
  | 'truncated-json'
  | 'hang'
  | 'reset'
  /** Prometheus unreachable: the handler panics. */
  | 'empty-reply'
  /** A body without end. */
  | 'endless'
  /** `/system/namespaces` says `[]`. */
  | 'namespaces-empty'
  /** `/system/namespaces` says `null`. */
  | 'namespaces-null'
  /** `/system/namespaces` is 502 without a body. */
  | 'namespaces-502'

/** Narrows a list fault. */
export interface ListFaultOptions {
  /** Only the list of this namespace. @default every list */
  readonly namespace?: string
  /** @default until taken out */
  readonly times?: number
}

const text = 'text/plain; charset=utf-8'
const noSniff = { 'Content-Type': text, 'X-Content-Type-Options': 'nosniff' }
const json = { 'Content-Type': 'application/json' }
const least = '{"name":"z","image":"i","createdAt":"0001-01-01T00:00:00Z"}'

const actions: Readonly<Record<ListFault, Pick<FaultRule, 'then'>>> = {
  null: { then: { headers: json, body: 'null' } },
  empty: { then: { headers: json, body: '[]' } },
  'missing-fields': { then: { headers: json, body: `[${least},${least.replace('"z"', '"y"').replace('}', ',"annotations":{}}')}]` } },
  'not-objects': { then: { headers: json, body: '[1,"a",null,[]]' } },
  '400': { then: { status: 400, headers: noSniff, body: 'namespace must be: openfaas-fn\n' } },
  '401': {
    then: { status: 401, headers: { 'Content-Type': text, 'WWW-Authenticate': 'Basic realm="Restricted"' }, body: 'invalid credentials' },
  },
  '403': { then: { status: 403, headers: { 'Content-Type': text }, body: 'insufficient permissions' } },
  '500': { then: { status: 500, headers: noSniff, body: 'Unable to parse list of functions from provider\n' } },
  '502-empty': { then: { status: 502, body: '' } },
  '502-newline': { then: { status: 502, headers: noSniff, body: '\n' } },
  html: { then: { headers: { 'Content-Type': 'text/html' }, body: '<!doctype html><title>Sign in</title><p>Sign in to go on' } },
  'truncated-json': { then: { headers: json, body: '[{"name":"a","image":"i","annotations":{"topic":"or' } },
  hang: { then: { wire: 'hang' } },
  reset: { then: { wire: 'reset' } },
  'empty-reply': { then: { wire: 'empty-reply' } },
  endless: { then: { headers: json, wire: 'endless' } },
  'namespaces-empty': { then: { headers: json, body: '[]' } },
  'namespaces-null': { then: { headers: json, body: 'null' } },
  'namespaces-502': { then: { status: 502, body: '' } },
}

/** A list fault as a rule of the fault plan. */
export const listFaultRule = (fault: ListFault, options: ListFaultOptions = {}): FaultRule => ({
  name: `list ${fault}`,
  match: {
    path: fault.startsWith('namespaces-') ? '/system/namespaces' : '/system/functions',
    ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
  },
  ...actions[fault],
  ...(options.times === undefined ? {} : { times: options.times }),
})
