/** The test kit: for connectors of this repository and for authors of their own sources. */
export { leakGuard } from './leak-guard.ts'
export type { LeakGuardOptions } from './leak-guard.ts'
export { manualClock } from './manual-clock.ts'
export type { ManualClock } from './manual-clock.ts'
export { trackLeaks } from './track-leaks.ts'
export type { Leak, LeakTracker, TrackLeaksOptions } from './track-leaks.ts'
