import { closest } from '../closest.ts'
import type { Order } from '../../contract/source.ts'
import type { BatchPolicy, DeadLetterPolicy, FunctionPolicy, PolicyDefaults, RetryPolicy } from '../function-policy.ts'
import { compileFilter } from '../filter/compile-filter.ts'
import type { FilterOptions } from '../filter/compile-filter.ts'
import { formatDuration } from '../duration.ts'
import { CONNECTOR_PREFIX, OWN_TOPIC_ANNOTATION, RETRY_PREFIX, isDeclared } from './annotation-names.ts'
import type { ProblemList } from './problem-list.ts'
import { readBoolean, readCodes, readContentType, readDuration, readInteger, readRate, readWord } from './value-readers.ts'
import type { Read } from './value-readers.ts'

/** What a policy is made of besides the annotations. */
export interface PolicyOptions extends FilterOptions {
  readonly defaults: PolicyDefaults
  /** Full names that others read, e.g. `com.openfaas.connector.timezone`; an entry that ends in `.` declares all names that begin with it. */
  readonly knownAnnotations: ReadonlySet<string>
}

type Draft = { -readonly [K in keyof FunctionPolicy]: FunctionPolicy[K] }

interface RetryDraft {
  attempts?: number
  codes?: ReadonlySet<number>
  minWaitMs?: number
  maxWaitMs?: number
}

interface BatchDraft {
  size?: number
  windowMs?: number
  maxBytes?: number
  format?: BatchPolicy['format']
}

/** Reads a value into the draft; a text is what is wrong with it. */
type Setter<T> = (text: string, draft: T, options: PolicyOptions) => string | undefined

const set =
  <T, D>(read: (text: string) => Read<T>, store: (draft: D, value: T) => void): Setter<D> =>
  (text, draft) => {
    const result = read(text)
    if ('problem' in result) return result.problem
    store(draft, result.value)
    return undefined
  }

const setFilter: Setter<Draft> = (text, draft, options) => {
  const compiled = compileFilter(text, options)
  if ('problem' in compiled) return compiled.problem
  draft.filter = compiled.filter
  return undefined
}

const policySetters: ReadonlyMap<string, Setter<Draft>> = new Map<string, Setter<Draft>>([
  [
    'order',
    set(
      (text) => readWord<Order>(text, ['none', 'key', 'partition']),
      (draft, value) => void (draft.order = value),
    ),
  ],
  [
    'concurrency',
    set(
      (text) => readInteger(text, 1, 10_000),
      (draft, value) => void (draft.concurrency = value),
    ),
  ],
  ['rate', set(readRate, (draft, value) => void (draft.ratePerSecond = value))],
  ['timeout', set(readDuration, (draft, value) => void (draft.timeoutMs = value))],
  ['async', set(readBoolean, (draft, value) => void (draft.async = value))],
  ['content-type', set(readContentType, (draft, value) => void (draft.contentType = value))],
  [
    'dead-letter',
    set(
      (text) => readWord<DeadLetterPolicy>(text, ['sink', 'hold', 'drop']),
      (draft, value) => void (draft.deadLetter = value),
    ),
  ],
  ['filter', setFilter],
])

const retrySetters: ReadonlyMap<string, Setter<RetryDraft>> = new Map<string, Setter<RetryDraft>>([
  [
    'attempts',
    set(
      (text) => readInteger(text, 1, 1000),
      (draft, value) => void (draft.attempts = value),
    ),
  ],
  ['codes', set(readCodes, (draft, value) => void (draft.codes = value))],
  ['min_wait', set(readDuration, (draft, value) => void (draft.minWaitMs = value))],
  ['max_wait', set(readDuration, (draft, value) => void (draft.maxWaitMs = value))],
])

const batchSetters: ReadonlyMap<string, Setter<BatchDraft>> = new Map<string, Setter<BatchDraft>>([
  [
    'batch-size',
    set(
      (text) => readInteger(text, 1, 10_000),
      (draft, value) => void (draft.size = value),
    ),
  ],
  ['batch-window', set(readDuration, (draft, value) => void (draft.windowMs = value))],
  [
    'batch-bytes',
    set(
      (text) => readInteger(text, 1024, 67_108_864),
      (draft, value) => void (draft.maxBytes = value),
    ),
  ],
  [
    'batch-format',
    set(
      (text) => readWord<BatchPolicy['format']>(text, ['json', 'cloudevents']),
      (draft, value) => void (draft.format = value),
    ),
  ],
])

/** Batches begin with a size of two; the other names do nothing without it. */
const mergeBatch = (draft: BatchDraft, problems: ProblemList): BatchPolicy | undefined => {
  if (draft.size === undefined) problems.add(`${CONNECTOR_PREFIX}batch-size`, 'it is missing, and without it there are no batches')
  if (draft.size === undefined || draft.size < 2) return undefined
  return { size: draft.size, windowMs: draft.windowMs ?? 500, maxBytes: draft.maxBytes ?? 4_194_304, format: draft.format ?? 'json' }
}

/** Lays the annotations over the defaults. A lone bound moves the other default along; two that cross are both refused. */
const mergeRetry = (draft: RetryDraft, defaults: RetryPolicy, problems: ProblemList): RetryPolicy => {
  const { minWaitMs, maxWaitMs, ...rest } = draft
  if (minWaitMs !== undefined && maxWaitMs !== undefined && minWaitMs > maxWaitMs) {
    problems.add(
      `${RETRY_PREFIX}min_wait`,
      `${formatDuration(minWaitMs)} is longer than max_wait, ${formatDuration(maxWaitMs)}; both defaults stand`,
    )
    return { ...defaults, ...rest }
  }
  return {
    ...defaults,
    ...rest,
    minWaitMs: minWaitMs ?? Math.min(defaults.minWaitMs, maxWaitMs ?? defaults.minWaitMs),
    maxWaitMs: maxWaitMs ?? Math.max(defaults.maxWaitMs, minWaitMs ?? defaults.maxWaitMs),
  }
}

const shortName = (name: string): string => (name.startsWith(CONNECTOR_PREFIX) ? name.slice(CONNECTOR_PREFIX.length) : name)

const reportUnknown = (name: string, options: PolicyOptions, problems: ProblemList): void => {
  if (name === OWN_TOPIC_ANNOTATION || isDeclared(options.knownAnnotations, name)) return
  // It may be another connector's: only what looks like a typing error is one.
  const near = closest(shortName(name), [...policySetters.keys(), ...batchSetters.keys(), ...options.knownAnnotations].map(shortName), 1)
  if (near !== undefined) problems.add(name, `no annotation has this name; did you mean ${CONNECTOR_PREFIX}${near}?`)
}

/**
 * Compiles annotations to the policy of a function. A value that is wrong is reported and the connector's default
 * stands; for the filter that means that the function gets every event of its topics. Never throws.
 *
 * @param key `NAME` or `NAME.NAMESPACE`
 * @param annotations bounded in number and length by the caller
 */
export const readPolicy = (
  key: string,
  revision: string,
  annotations: ReadonlyMap<string, string>,
  options: PolicyOptions,
  problems: ProblemList,
): FunctionPolicy => {
  const draft: Draft = { ...options.defaults, function: key, revision }
  let retry: RetryDraft | undefined
  let batch: BatchDraft | undefined
  for (const [name, text] of annotations) {
    const own = name.startsWith(CONNECTOR_PREFIX) ? name.slice(CONNECTOR_PREFIX.length) : ''
    const setter = policySetters.get(own)
    const batchSetter = batchSetters.get(own)
    const retrySetter = name.startsWith(RETRY_PREFIX) ? retrySetters.get(name.slice(RETRY_PREFIX.length)) : undefined
    let problem: string | undefined
    if (setter !== undefined) problem = setter(text.trim(), draft, options)
    else if (retrySetter !== undefined) problem = retrySetter(text.trim(), (retry ??= {}), options)
    else if (batchSetter !== undefined) problem = batchSetter(text.trim(), (batch ??= {}), options)
    else if (own !== '') reportUnknown(name, options, problems)
    if (problem !== undefined) problems.add(name, `${problem}; the default stands`)
  }
  if (retry !== undefined) draft.retry = mergeRetry(retry, options.defaults.retry, problems)
  const batches = batch === undefined ? undefined : mergeBatch(batch, problems)
  if (batches !== undefined) draft.batch = batches
  return draft
}
