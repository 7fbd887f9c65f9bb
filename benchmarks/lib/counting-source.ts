import { openSession, type MillraceEvent, type Session, type Source, type SourceContext } from '@millrace/sdk'

/** What a counting source emits. */
export interface CountingOptions {
  readonly count: number
  /** @default one partition */
  readonly intakes?: number
  readonly order?: Source['order']
  readonly position?: Source['position']
  event(n: number): MillraceEvent
}

/** A source that has `count` events waiting and hands them over as fast as it may. */
export class CountingSource implements Source {
  readonly name = 'bench'
  readonly replay = 'broker'
  readonly order: NonNullable<Source['order']>
  readonly position: NonNullable<Source['position']>
  readonly headerPrefix = ''
  acked = 0
  emitted = 0
  readonly #options: CountingOptions
  readonly #all = Promise.withResolvers<void>()
  onAck: ((event: MillraceEvent) => void) | undefined

  constructor(options: CountingOptions) {
    this.#options = options
    this.order = options.order ?? 'none'
    this.position = options.position ?? 'each'
  }

  /** Resolves when every event is acknowledged. */
  get done(): Promise<void> {
    return this.#all.promise
  }

  async connect(context: SourceContext): Promise<Session> {
    let scheduled = false
    const schedule = (): void => {
      if (scheduled) return
      scheduled = true
      setImmediate(() => {
        scheduled = false
        pump()
      })
    }
    const session = openSession({ resume: schedule })
    const pump = (): void => {
      for (let n = 0; n < 256 && this.emitted < this.#options.count; n += 1) {
        const intake = `p${this.emitted % (this.#options.intakes ?? 1)}`
        if (session.ended || session.paused(intake)) return
        this.#emit(context, intake)
      }
      if (this.emitted < this.#options.count) schedule()
    }
    schedule()
    return session
  }

  #emit(context: SourceContext, intake: string): void {
    const event = this.#options.event(this.emitted)
    this.emitted += 1
    context.emit({
      event,
      intake,
      ack: () => {
        this.acked += 1
        this.onAck?.(event)
        if (this.acked === this.#options.count) this.#all.resolve()
      },
      release: () => {},
    })
  }
}
