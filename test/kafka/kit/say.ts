/** Figures of a run, among the output of the tests: what was repeated, how long nothing came. */
export const say = (what: string, figures: unknown): void => void process.stdout.write(`${what}: ${JSON.stringify(figures)}\n`)
