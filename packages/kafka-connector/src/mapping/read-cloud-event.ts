import { type CloudEvent, CloudEventFault, readStructuredCloudEvent } from '@millrace/sdk'

/** A producer's mistake never makes a record unreadable: what is no CloudEvent is delivered as it is. */
export const ifCloudEvent = (read: () => CloudEvent): CloudEvent | undefined => {
  try {
    return read()
  } catch (fault) {
    if (fault instanceof CloudEventFault) return undefined
    throw fault
  }
}

/** `application/cloudevents`, `application/cloudevents+json; charset=utf-8`, in any case; not the batch form. */
export const isStructuredType = (contentType: string): boolean => /^application\/cloudevents(?:\+|\s*;|$)/i.test(contentType)

/** A CloudEvent in structured mode, JSON; `undefined` when it is none, or in another format. */
export const readStructured = (body: Uint8Array, contentType: string): CloudEvent | undefined =>
  /^application\/cloudevents(?:\+json)?\s*(?:;|$)/i.test(contentType) ? ifCloudEvent(() => readStructuredCloudEvent(body)) : undefined
