/** Topics and patterns, a comma list. The name that every OpenFaaS connector reads. */
export const TOPIC_ANNOTATION = 'topic'

/** Before the names that are Millrace's own. */
export const CONNECTOR_PREFIX = 'com.openfaas.connector.'

/** The same as `topic` under Millrace's own prefix; a function may have both. */
export const OWN_TOPIC_ANNOTATION: string = `${CONNECTOR_PREFIX}topic`

/** Before the names of retries, which OpenFaaS has already (docs: queue-worker retries). */
export const RETRY_PREFIX = 'com.openfaas.retry.'

/** The filter of a function: docs/filters.md. */
export const FILTER_ANNOTATION: string = `${CONNECTOR_PREFIX}filter`

/**
 * True when the set declares the name: by itself, or by an entry that ends in `.` and begins it
 * (`com.openfaas.connector.schedule.` declares `com.openfaas.connector.schedule.nightly`).
 */
export const isDeclared = (known: ReadonlySet<string>, name: string): boolean => {
  if (known.has(name)) return true
  for (let dot = name.indexOf('.', CONNECTOR_PREFIX.length); dot >= 0; dot = name.indexOf('.', dot + 1)) {
    if (known.has(name.slice(0, dot + 1))) return true
  }
  return false
}
