import type { IncomingMessage, ServerResponse } from 'node:http'
import { describeError, makeDelivery } from '@millrace/sdk'
import type { Logger, MillraceEvent, SourceContext } from '@millrace/sdk'
import { modeOf } from './cloudevents/mode.ts'
import type { HttpSettings } from './options.ts'
import { Problem } from './problem.ts'
import { readEvent } from './read-event.ts'
import { authorize } from './request/authorize.ts'
import { repeatedHeader } from './request/forwarded-headers.ts'
import { readTarget, type Target } from './request/target.ts'
import { readTopic } from './request/topic.ts'
import { readWait } from './request/wait.ts'
import { type ByteBudget, byteBudget, checkDeclaredLength, readBody } from './server/read-body.ts'
import { jsonReply, problemReply, type Reply } from './server/reply.ts'
import { startWait } from './waiting.ts'

/** A session, as far as requests need it. */
export interface Link {
  readonly context: Pick<SourceContext, 'accept' | 'emit' | 'clock' | 'draining' | 'logger' | 'metrics'>
  /** Aborts when the session ends. */
  readonly signal: AbortSignal
  /** Back-pressure for an intake. */
  paused(intake: string): boolean
}

/**
 * Two intakes a topic, since the runtime keeps what is spooled over the loss of a session and gives up what is not. Their number is
 * bounded by that of the unsettled events: the runtime forgets idle ones.
 */
const spooled = (topic: string): string => `topic:${topic}`
const waited = (topic: string): string => `wait:${topic}`

const methodsOf = (target: Target): string | undefined =>
  target.kind === 'unknown' ? undefined : target.kind === 'health' ? 'GET, HEAD' : 'POST'

const busy = (detail: string): Problem =>
  new Problem('back-pressure', { detail, fix: 'Send it again after Retry-After.' }, { 'retry-after': '1' })

/** Turns requests into events, and what became of these into replies. */
export class Ingress {
  readonly #settings: HttpSettings
  readonly #budget: ByteBudget
  #link: Link | undefined
  /** Clients that wait for results just now. */
  waiting = 0

  constructor(settings: HttpSettings) {
    this.#settings = settings
    this.#budget = byteBudget(settings.maxReceivingBytes)
  }

  /** From now on events go to this session; `undefined`: they are refused. */
  set link(link: Link | undefined) {
    this.#link = link
  }

  /** Never rejects. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<Reply> {
    const reply = await this.#reply(request, response)
    this.#link?.context.metrics.counter('millrace_http_requests_total', { status: String(reply.status) }).inc()
    return reply
  }

  async #reply(request: IncomingMessage, response: ServerResponse): Promise<Reply> {
    try {
      return await this.#answer(request, response)
    } catch (error) {
      if (error instanceof Problem) return problemReply(error)
      this.#link?.context.logger.error('a request failed', { error: describeError(error) })
      return problemReply(
        new Problem('internal', { detail: 'An error was logged.', fix: 'Look into the log of the connector at this time.' }),
      )
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<Reply> {
    const target = readTarget(request.url ?? '')
    const allowed = methodsOf(target)
    if (target.kind === 'unknown' || allowed === undefined) {
      throw new Problem('not-found', { detail: 'This path is not known.', fix: 'POST to /topics/NAME; a slash in a topic is %2F.' })
    }
    if (!allowed.split(', ').includes(request.method ?? '')) {
      throw new Problem('method-not-allowed', { detail: `Only ${allowed} is answered here.`, fix: `Use ${allowed}.` }, { allow: allowed })
    }
    if (target.kind === 'health') return jsonReply(200, { status: 'ok' })
    // Everything that can be refused is refused before the body is read.
    await authorize(request.headers, this.#settings.tokens)
    this.#checkHeaders(request)
    const topic = readTopic(target.segment, this.#settings.maxTopicLength)
    const waitMs = readWait(target.query, this.#settings.maxWaitMs)
    const mode = modeOf(request.headers, request.rawHeaders)
    checkDeclaredLength(request, this.#settings.maxBodyBytes)
    const link = this.#openLink(topic, waitMs)
    if (request.headers.expect !== undefined) response.writeContinue()
    const { signal } = link
    const body = await readBody(request, { maxBytes: this.#settings.maxBodyBytes, budget: this.#budget, signal })
    try {
      const { headers, rawHeaders: raw } = request
      const event = readEvent({ topic, mode, headers, raw, body: body.bytes, newId: this.#settings.newId })
      // Receiving may have taken long.
      const now = this.#openLink(topic, waitMs)
      if (waitMs === undefined) return await this.#accept(now, event)
      const wait = this.#emit(now, event, waitMs, response)
      body.free()
      return await wait
    } finally {
      body.free()
    }
  }

  #checkHeaders({ rawHeaders }: IncomingMessage): void {
    const { maxHeaders } = this.#settings
    if (rawHeaders.length / 2 > maxHeaders) {
      throw new Problem('headers-too-large', { detail: `There are more than ${maxHeaders} headers.`, fix: 'Send fewer headers.' })
    }
    const repeated = repeatedHeader(rawHeaders)
    if (repeated !== undefined) {
      throw new Problem('bad-request', { detail: `The header ${repeated} is given more than once.`, fix: 'Send it once.' })
    }
  }

  #openLink(topic: string, waitMs: number | undefined): Link {
    const link = this.#link
    if (link === undefined || link.signal.aborted || link.context.draining.aborted) {
      const text = { detail: 'The connector starts, stops, or waits for its gateway.', fix: 'Send it again after Retry-After.' }
      throw new Problem('not-ready', text, { 'retry-after': '5' })
    }
    if (link.paused(spooled(topic)) || link.paused(waited(topic))) throw busy('The functions are behind.')
    if (waitMs !== undefined && this.waiting >= this.#settings.maxWaiting) throw busy('Too many clients wait for results.')
    return link
  }

  /** 202 once the event is durable: whatever happens to this process, its functions get it. */
  async #accept({ context }: Link, event: MillraceEvent): Promise<Reply> {
    let stored: boolean
    try {
      stored = await context.accept(makeDelivery({ event, intake: spooled(event.topic) }))
    } catch (error) {
      this.#logNotStored(context.logger, error)
      const text = {
        detail: 'The event could not be made durable.',
        fix: 'Send it again after Retry-After; the log of the connector says why.',
      }
      throw new Problem('not-stored', text, { 'retry-after': '5' })
    }
    if (!stored) throw busy('Too many events wait for their functions.')
    return jsonReply(202, { id: event.id })
  }

  #logNotStored(logger: Logger, error: unknown): void {
    logger.error('an event was refused: it could not be made durable', { error: describeError(error) })
  }

  /** Not spooled: who waits has the event and is told how it ended. */
  #emit({ context }: Link, event: MillraceEvent, waitMs: number, response: ServerResponse): Promise<Reply> {
    const wait = startWait(event.id, waitMs, context.clock)
    this.waiting += 1
    const gone = new Promise<never>((_, reject) => {
      response.once('close', () => {
        wait.abandon()
        reject(new Problem('bad-request', { detail: 'The client is gone.', fix: 'Send it again.' }))
      })
    })
    const answer = Promise.race([wait.answer, gone]).finally(() => {
      this.waiting -= 1
    })
    // Whoever loses the race has nobody who listens.
    gone.catch(() => {})
    context.emit(
      makeDelivery({
        event,
        intake: waited(event.topic),
        ack: (settlement) => wait.settled(settlement),
        release: (reason) => wait.released(reason),
      }),
    )
    return answer
  }
}
