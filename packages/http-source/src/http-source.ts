import { openSession } from '@millrace/sdk'
import type { Session, Source, SourceContext } from '@millrace/sdk'
import { Ingress } from './ingress.ts'
import { type HttpSourceOptions, type HttpSettings, withDefaults } from './options.ts'
import { type Listener, openListener } from './server/listener.ts'
import { sendReply } from './server/reply.ts'

/** A source whose events come by `POST /topics/TOPIC`. */
export interface HttpSource extends Source {
  /** `http://HOST:PORT/topics/`; `undefined` while it does not listen. */
  readonly url: string | undefined
  /**
   * Listens at once and answers 503 until the connector connects; without it, `connect` opens the port. A program calls it to learn of a
   * port in use before anything else starts. Does not keep the process alive by itself.
   *
   * @returns `url`
   * @throws MillraceError `E_HTTP_PORT_IN_USE`, `E_HTTP_LISTEN`
   */
  listen(): Promise<string>
}

/** Answers under way at the end: everything is acknowledged or released by then, so only the writing is left. */
const graceMs = 3000

class HttpIngressSource implements HttpSource {
  readonly name = 'http'
  readonly replay = 'spool'
  readonly order = 'none'
  /** A producer's headers keep their names. */
  readonly headerPrefix = ''
  readonly #settings: HttpSettings
  readonly #ingress: Ingress
  #opening: Promise<Listener> | undefined
  #listener: Listener | undefined

  constructor(options: HttpSourceOptions) {
    this.#settings = withDefaults(options)
    this.#ingress = new Ingress(this.#settings)
  }

  get url(): string | undefined {
    return this.#listener === undefined ? undefined : `${this.#listener.origin}/topics/`
  }

  async listen(): Promise<string> {
    return `${(await this.#open()).origin}/topics/`
  }

  async connect(context: SourceContext): Promise<Session> {
    context.signal.throwIfAborted()
    const listener = await this.#open()
    if (context.signal.aborted) {
      await this.#close()
      context.signal.throwIfAborted()
    }
    listener.hold(true)
    const ended = new AbortController()
    const waiting = context.metrics.gauge('millrace_http_waiting_clients')
    const forgetScrape = context.metrics.onScrape(() => waiting.set(this.#ingress.waiting))
    const session = openSession({
      leave: async () => {
        forgetScrape()
        this.#ingress.link = undefined
        ended.abort()
        await this.#close()
      },
    })
    this.#ingress.link = { context, signal: ended.signal, paused: (intake) => session.paused(intake) }
    context.logger.info('takes events', { url: this.url })
    return session
  }

  async dispose(): Promise<void> {
    this.#ingress.link = undefined
    await this.#close()
  }

  #open(): Promise<Listener> {
    this.#opening ??= this.#openNew()
    return this.#opening
  }

  async #openNew(): Promise<Listener> {
    try {
      const listener: Listener = await openListener(this.#settings, (request, response) => {
        void this.#ingress.handle(request, response).then((reply) => sendReply(request, response, reply, listener.closing))
      })
      listener.hold(false)
      this.#listener = listener
      return listener
    } catch (error) {
      this.#opening = undefined
      throw error
    }
  }

  async #close(): Promise<void> {
    const opening = this.#opening
    this.#opening = undefined
    const listener = await opening?.catch(() => undefined)
    if (this.#listener === listener) this.#listener = undefined
    await listener?.close(graceMs)
  }
}

/**
 * The HTTP event source: 202 with the event's id once it lies durably in the connector's spool, or with `?wait` the results of its
 * functions. One source serves one connector.
 *
 * @example
 * const source = httpSource({ port: 8083 })
 * const connector = createConnector({ source, gateway, spool: await openSpool({ directory, clock: systemClock, logger }) })
 */
export const httpSource = (options: HttpSourceOptions = {}): HttpSource => new HttpIngressSource(options)
