import { CloudEventFault } from '@millrace/sdk'
import { Problem } from '../problem.ts'

/** Reads a CloudEvent; one that breaks the specification becomes a reply with the reason. */
export const orProblem = <T>(read: () => T): T => {
  try {
    return read()
  } catch (fault) {
    throw fault instanceof CloudEventFault ? new Problem('bad-cloudevent', { detail: fault.message, fix: fault.fix }) : fault
  }
}
