import type { InvocationRecord } from './records.ts'

/** An invocation with both its ends, by the line numbers of the file: those order all that happened at the function's side. */
export interface Call {
  readonly function: string
  readonly id: string
  readonly key: string
  readonly sequence: number
  readonly attempt: number
  readonly begin: number
  /** The line of its end, or of what ended it: the server's next boot. Infinity: still open. */
  readonly end: number
  /** 0: no answer. */
  readonly status: number
  /** 2xx. */
  readonly success: boolean
}

type Start = Extract<InvocationRecord, { kind: 'start' }>

/** Puts starts and ends together, in the order of their starts. A boot closes what is open and begins the numbers of calls anew. */
export const callsOf = (records: readonly InvocationRecord[]): readonly Call[] => {
  const calls: Call[] = []
  const open = new Map<number, { readonly start: Start; readonly begin: number }>()
  const finish = (call: number, end: number, status: number): void => {
    const opened = open.get(call)
    if (opened === undefined) return
    open.delete(call)
    const { function: name, id, key, sequence, attempt } = opened.start
    calls.push({ function: name, id, key, sequence, attempt, begin: opened.begin, end, status, success: status >= 200 && status < 300 })
  }
  for (const [line, record] of records.entries()) {
    if (record.kind === 'start') open.set(record.call, { start: record, begin: line })
    else if (record.kind === 'end') finish(record.call, line, record.status)
    else for (const call of open.keys()) finish(call, line, 0)
  }
  for (const call of open.keys()) finish(call, Number.POSITIVE_INFINITY, 0)
  return calls.toSorted((one, other) => one.begin - other.begin)
}
