import type { AttemptResult } from '../attempt.ts'
import { type SettleRow, type SettleRowId, settleTable } from './table.ts'

const rows: readonly SettleRow[] = Object.values(settleTable)

/** Status to row, filled once from the data: listed statuses first, then the classes, S11 for what is no status. */
const byStatus: readonly SettleRow[] = Array.from({ length: 600 }, (_, status) => {
  const listed = rows.find((row) => row.statuses?.includes(status))
  const sameClass = rows.find((row) => row.statusClass === Math.floor(status / 100))
  return listed ?? sameClass ?? settleTable.S11
})

const failures: Readonly<Record<Extract<AttemptResult, { kind: 'failure' }>['cause'], SettleRowId>> = {
  connect: 'S9',
  dns: 'S9',
  tls: 'S9',
  'tls-identity': 'S9-identity',
  reset: 'S9-cut',
  timeout: 'S9-cut',
  malformed: 'S11',
}

/** An attempt that came to an end; an aborted one has no row. */
export type FinishedAttempt = Exclude<AttemptResult, { kind: 'aborted' }>

/**
 * The row of the settle table for what an attempt came to. Total: every result has exactly one row.
 *
 * @param codes statuses that the function wants tried again (`com.openfaas.retry.codes`)
 */
export const classify = (result: FinishedAttempt, codes?: ReadonlySet<number>): SettleRow => {
  if (result.kind === 'failure') return settleTable[failures[result.cause]]
  if (result.malformed === true) return settleTable.S11
  if (result.partial === true) return settleTable.S2
  const { status, headers } = result.reply
  const row = byStatus[status] ?? settleTable.S11
  if (row !== settleTable.S3) return row
  return codes?.has(status) === true || headers['x-openfaas-internal'] !== undefined ? settleTable.S6 : row
}

/** True when a 401 or 403 is the gateway's own answer and not a function's (decision P1; openfaas 2.1). */
export const isGatewayRefusal = (result: FinishedAttempt): boolean => {
  if (result.kind !== 'response' || (result.reply.status !== 401 && result.reply.status !== 403)) return false
  const challenge = result.reply.headers['www-authenticate']
  const first = typeof challenge === 'string' ? challenge : challenge?.[0]
  if (first !== undefined && /^Basic realm="?Restricted"?$/i.test(first.trim())) return true
  return Buffer.from(result.reply.body.subarray(0, 64)).toString('latin1').startsWith('invalid credentials')
}
