import { bindCases } from './bench.ts'
import { acknowledgeCases } from './cases-acknowledge.ts'
import { deliveryCases } from './cases-delivery.ts'
import { optionalCases } from './cases-optional.ts'
import { pressureCases } from './cases-pressure.ts'
import { sessionCases } from './cases-session.ts'
import type { ConformanceCase, SourceHarness } from './harness.ts'

/** The cases of `sourceConformance` without vitest: for other runners, and to try the suite itself. Run them one after another. */
export const conformanceCases = (harness: SourceHarness): readonly ConformanceCase[] =>
  bindCases([...deliveryCases, ...acknowledgeCases, ...pressureCases, ...sessionCases, ...optionalCases], harness)
