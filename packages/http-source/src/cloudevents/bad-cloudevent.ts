import { Problem } from '../problem.ts'

/** A CloudEvent that breaks the specification, with the reason. */
export const badCloudEvent = (detail: string, fix = 'See https://github.com/cloudevents/spec, version 1.0.'): Problem =>
  new Problem('bad-cloudevent', { detail, fix })
