/** One part of the long run: so many steps of the same kind, each of which can be done again alone. */
export interface LongPart {
  /** What it is called by: `npm run test:long -- <name>`. */
  readonly name: string
  /** One sentence for `--list`. */
  readonly about: string
  readonly steps: number
  /** Starts what all steps share, such as brokers. Called again after an interruption. */
  open(): Promise<OpenPart>
}

export interface OpenPart {
  /** Rejects when a promise was not kept. Resolves with a short note, such as how many duplicates there were. */
  step(context: StepContext): Promise<string>
  close(): Promise<void>
}

export interface StepContext {
  /** From 0. */
  readonly index: number
  /** Decided by the part's seed and the index: a failed step can be done again. */
  readonly random: () => number
  /** Aborted when somebody wants the run to end. A step may finish early, by rejecting, and is done again next time. */
  readonly signal: AbortSignal
}
