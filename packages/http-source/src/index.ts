// The contract of the package: the source, and what its replies look like.

export { httpSource } from './http-source.ts'
export { httpMetrics } from './metrics.ts'
export { httpOptions, httpSettings } from './settings.ts'

export type { HttpSource } from './http-source.ts'
export type { HttpSourceOptions } from './options.ts'
export type { ProblemBody, ProblemKind } from './problem.ts'
export type { WaitResult } from './waiting.ts'
export type { HttpConfig } from './settings.ts'
