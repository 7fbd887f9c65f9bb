/** The test kit: for connectors of this repository and for authors of their own sources. */
export { manualClock } from './manual-clock.ts'
export type { ManualClock } from './manual-clock.ts'
