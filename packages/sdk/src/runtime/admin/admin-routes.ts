import { printable } from '../../core/printable.ts'
import { problemJson } from './problem-json.ts'
import type { ProblemJson } from './problem-json.ts'

/** Ready or not, and if not, why not: one sentence a reason. */
export interface Readiness {
  readonly ok: boolean
  readonly reasons: readonly string[]
}

/** What the admin server shows. Called for each request; a throw becomes a 500 without details. */
export interface AdminPages {
  /** The event loop alone; never a broker or the gateway. */
  live(): Readiness
  ready(): Readiness
  /** True from the first good topic map and the first session of the source on. */
  started(): Readiness
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>
  /** Without secrets: `describeConfig()`. */
  config(): unknown
  /** Which functions get an event of this topic, and why the near ones do not. */
  explain(topic: string): unknown
}

/** A reply before it is sent. */
export interface AdminReply {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

const json = (status: number, body: unknown): AdminReply => ({
  status,
  contentType: 'application/json; charset=utf-8',
  // `<` cannot stand in the body: no sniffing browser may find a tag in a topic's name.
  body: `${JSON.stringify(body).replaceAll('<', String.raw`\u003c`)}\n`,
})

/** The reply for an error. */
export const problemReply = (problem: ProblemJson): AdminReply => ({
  ...json(problem.status, problem),
  contentType: 'application/problem+json; charset=utf-8',
})

const probe = ({ ok, reasons }: Readiness): AdminReply => json(ok ? 200 : 503, { ok, reasons })

const maxTopic = 1024

const explain = (pages: AdminPages, query: URLSearchParams): AdminReply => {
  const topic = query.get('topic')
  if (topic === null || topic === '')
    return problemReply(problemJson('bad-request', 'The parameter topic is missing: /explain?topic=orders'))
  if (topic.length > maxTopic) return problemReply(problemJson('bad-request', `The topic is longer than ${maxTopic} characters`))
  return json(200, pages.explain(topic))
}

/** The reply to `GET target`. Nothing of a failure is shown, since it may hold anything. */
export const answer = async (pages: AdminPages, target: string): Promise<AdminReply> => {
  const [path = '', ...rest] = target.split('?')
  switch (path) {
    case '/livez':
    case '/healthz':
      return probe(pages.live())
    case '/readyz':
      return probe(pages.ready())
    case '/startupz':
      return probe(pages.started())
    case '/metrics': {
      const { contentType, text } = await pages.metrics()
      return { status: 200, contentType, body: text }
    }
    case '/config':
      return json(200, pages.config())
    case '/explain':
      return explain(pages, new URLSearchParams(rest.join('?')))
    default:
      return problemReply(problemJson('not-found', `There is nothing at ${printable(path, 100)}`))
  }
}
