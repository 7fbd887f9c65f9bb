import { leakGuard } from '../../src/testing/leak-guard.ts'
import { sourceConformance } from '../../src/testing/source-conformance.ts'
import { memoryHarness } from './memory-harness.ts'

leakGuard()
sourceConformance(memoryHarness({ position: 'each', defer: true }))
sourceConformance(memoryHarness({ position: 'prefix', defer: true }))
sourceConformance(memoryHarness({ replay: 'spool' }))
