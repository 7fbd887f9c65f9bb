/** One claim, measured as a ratio against a baseline of the same run. */
export interface Measured {
  readonly ours: number
  readonly baseline: number
  /** Of both, e.g. `events/s`. */
  readonly unit: string
  /** What was seen besides, for a person. */
  readonly notes?: readonly string[]
  /** Goals besides the ratio, named in the notes. @default true */
  readonly alsoMet?: boolean
}

/** A result to come. */
export interface Line {
  readonly name: string
  /** One sentence: what runs, against what. */
  readonly about: string
  /** The goal for `ours / baseline`. */
  readonly goal: { readonly atLeast: number } | { readonly atMost: number }
}

export interface Benchmark extends Line {
  /** @param quick a tenth of the work or less */
  run(quick: boolean): Promise<Measured>
}

/** Several comparisons of one workload. */
export interface Comparisons {
  readonly name: string
  readonly about: string
  readonly lines: readonly Line[]
  /** One for each of `lines`, in their order. @param quick a tenth of the work or less */
  run(quick: boolean): Promise<readonly Measured[]>
}

/** The line of `--json`. */
export interface Result {
  readonly name: string
  readonly ours: number
  readonly baseline: number
  readonly unit: string
  readonly ratio: number
  readonly goal: string
  readonly met: boolean
  readonly notes: readonly string[]
}

export const resultOf = ({ name, goal }: Pick<Line, 'name' | 'goal'>, measured: Measured): Result => {
  const ratio = measured.ours / measured.baseline
  const met = (measured.alsoMet ?? true) && ('atLeast' in goal ? ratio >= goal.atLeast : ratio <= goal.atMost)
  const text = 'atLeast' in goal ? `>= ${goal.atLeast}` : `<= ${goal.atMost}`
  const { ours, baseline, unit, notes = [] } = measured
  return { name, ours, baseline, unit, ratio, goal: text, met, notes }
}
