export { cronAnnotations } from './declare/read-settings.ts'
export { nextRuns } from './next-runs.ts'
export { cronSource } from './source.ts'

export type { CatchUpPolicy, CronDefaults, OverlapPolicy } from './declare/settings.ts'
export type { NextRunsOptions } from './next-runs.ts'
export type { DayMatch } from './schedule/matcher.ts'
export type { DstPolicy } from './schedule/slots.ts'
export type { CronSourceOptions } from './source.ts'
