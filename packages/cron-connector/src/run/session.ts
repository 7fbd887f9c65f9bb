import { describeError } from '@millrace/sdk'
import type { AnnotationProblem, FunctionDeclaration, FunctionsChange, Session, SourceContext } from '@millrace/sdk'
import { readDeclaration } from '../declare/definition.ts'
import type { ScheduleDefinition } from '../declare/definition.ts'
import type { CronDefaults } from '../declare/settings.ts'
import { Loop } from '../loop.ts'
import { Claims } from './claims.ts'
import { PutBatch } from './put-batch.ts'
import { ScheduleRunner } from './schedule-runner.ts'
import type { RunnerHost } from './schedule-runner.ts'

/** Functions that are read, and records that are loaded, without letting others run. */
const CHUNK = 100
const HOURS_3 = 3 * 3_600_000

interface Known {
  readonly ids: readonly string[]
  readonly problems: readonly AnnotationProblem[]
}

/** What the session needs besides its context. */
export interface SessionOptions {
  readonly defaults: CronDefaults
  readonly defer: (run: () => void) => void
}

/** All schedules of the listed functions, from `connect` until `closed`. */
export class CronSession implements Session {
  readonly closed: Promise<Error | undefined>
  readonly #context: SourceContext
  readonly #options: SessionOptions
  readonly #runners = new Map<string, ScheduleRunner>()
  readonly #functions = new Map<string, Known>()
  readonly #paused = new Set<string>()
  readonly #loop: Loop<string>
  readonly #puts: PutBatch
  readonly #resolve: (reason: Error | undefined) => void
  readonly #unsubscribe: () => void
  readonly #host: RunnerHost
  /** Changes are taken one after the other, since each waits for the store. */
  #work: Promise<void>
  #allPaused = false
  #failure: Error | undefined
  #open = true

  constructor(context: SourceContext, options: SessionOptions) {
    this.#context = context
    this.#options = options
    const { promise, resolve } = Promise.withResolvers<Error | undefined>()
    this.closed = promise
    this.#resolve = resolve
    this.#puts = new PutBatch(context.state, { clock: context.clock, defer: options.defer })
    this.#loop = new Loop<string>({
      clock: context.clock,
      defer: options.defer,
      due: (id, now) => this.#runners.get(id)?.evaluate(now),
      stepped: (stepMs) => this.#stepped(stepMs),
    })
    this.#host = {
      now: () => context.clock.now(),
      emit: (delivery) => context.emit(delivery),
      open: () => this.#open,
      paused: (id) => this.#isPaused(id),
      wake: (id, at) => this.#loop.set(id, at),
      failed: this.#failed,
      logger: context.logger,
    }
    this.#work = Promise.resolve()
    this.#unsubscribe = context.functions.subscribe((change) => this.#enqueue(() => this.#apply(change)))
    context.signal.addEventListener('abort', this.#stop, { once: true })
  }

  /** Reads the functions that are listed now and begins. */
  async start(): Promise<void> {
    const declarations = this.#context.functions.snapshot()
    this.#enqueue(() => this.#apply({ added: declarations, changed: [], removed: [] }))
    await this.#work
    if (this.#failure !== undefined) throw this.#failure
  }

  pause(intake?: string): void {
    if (intake === undefined) this.#allPaused = true
    else this.#paused.add(intake)
  }

  resume(intake?: string): void {
    if (intake === undefined) this.#allPaused = false
    else this.#paused.delete(intake)
    const resumed = intake === undefined ? [...this.#runners.values()] : [this.#runners.get(intake)]
    for (const runner of resumed) if (runner !== undefined && !this.#isPaused(runner.definition.id)) runner.resume()
  }

  async close(): Promise<void> {
    this.#stop()
    await this.#work
    this.#resolve(undefined)
  }

  readonly #stop = (): void => {
    this.#open = false
    this.#loop.stop()
    this.#unsubscribe()
    this.#context.signal.removeEventListener('abort', this.#stop)
  }

  readonly #failed = (error: unknown): void => {
    if (!this.#open) return
    this.#stop()
    this.#failure = error instanceof Error ? error : new Error(describeError(error))
    this.#resolve(this.#failure)
  }

  #isPaused(id: string): boolean {
    return this.#allPaused || this.#paused.has(id)
  }

  #enqueue(task: () => Promise<void>): void {
    this.#work = this.#work.then(() => (this.#open ? task() : undefined)).catch(this.#failed)
  }

  async #apply(change: FunctionsChange): Promise<void> {
    for (const declaration of change.removed) await this.#replace(declaration.function, [], [])
    const arrived: ScheduleRunner[] = []
    const present = [...change.added, ...change.changed.map(({ after }) => after)]
    for (let index = 0; index < present.length && this.#open; index += CHUNK) {
      const loaded = await Promise.all(present.slice(index, index + CHUNK).map((declaration) => this.#declare(declaration)))
      arrived.push(...loaded.flat())
      await new Promise<void>((resume) => this.#options.defer(resume))
    }
    this.#context.reportProblems([...this.#functions.values()].flatMap(({ problems }) => problems))
    for (const runner of arrived) runner.activate()
    this.#puts.flush()
  }

  async #declare(declaration: FunctionDeclaration): Promise<readonly ScheduleRunner[]> {
    const declared = readDeclaration(declaration, this.#options.defaults)
    for (const { annotation, reason } of declared?.problems ?? []) {
      this.#context.logger.warn('a schedule annotation cannot be used', { function: declaration.function, annotation, reason })
    }
    return this.#replace(declaration.function, declared?.schedules ?? [], declared?.problems ?? [])
  }

  /** Makes these the schedules of the function; answers those that are new. */
  async #replace(
    name: string,
    schedules: readonly ScheduleDefinition[],
    problems: readonly AnnotationProblem[],
  ): Promise<readonly ScheduleRunner[]> {
    const before = this.#functions.get(name)?.ids ?? []
    const ids = schedules.map(({ id }) => id)
    if (ids.length === 0 && problems.length === 0) this.#functions.delete(name)
    else this.#functions.set(name, { ids, problems })
    await Promise.all(before.filter((id) => !ids.includes(id)).map((id) => this.#remove(id)))
    const loaded = await Promise.all(schedules.map((definition) => this.#load(definition)))
    return loaded.filter((runner) => runner !== undefined)
  }

  async #load(definition: ScheduleDefinition): Promise<ScheduleRunner | undefined> {
    const known = this.#runners.get(definition.id)
    if (known !== undefined) {
      known.update(definition)
      return undefined
    }
    const { state, clock, logger } = this.#context
    const claims = await Claims.load(state, this.#puts, definition.id, Math.floor(clock.now() / 1000), (error) =>
      logger.error(error.message, { code: error.code, function: definition.function }),
    )
    const runner = new ScheduleRunner(definition, claims, this.#host)
    this.#runners.set(definition.id, runner)
    return runner
  }

  async #remove(id: string): Promise<void> {
    const runner = this.#runners.get(id)
    this.#runners.delete(id)
    this.#paused.delete(id)
    this.#loop.delete(id)
    await runner?.remove()
  }

  #stepped(stepMs: number): void {
    this.#context.logger.warn('the clock was set', { stepMs: Math.round(stepMs) })
    if (stepMs > -HOURS_3) return
    const now = this.#context.clock.now()
    for (const id of this.#runners.keys()) this.#loop.set(id, now)
  }
}
