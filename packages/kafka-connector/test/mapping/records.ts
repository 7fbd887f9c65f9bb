import type { HeaderField } from '@millrace/sdk'
import type { DriverRecord } from '../../src/driver/driver.ts'

/** A record with what a test wants to be different. */
export const record = (differs: Partial<DriverRecord> = {}): DriverRecord => ({
  topic: 'orders',
  partition: 3,
  offset: 42,
  timestamp: 1_764_000_000_000,
  key: Buffer.from('k1'),
  value: Buffer.from('{"n":1}'),
  headers: [],
  ...differs,
})

/** Headers of text, in their order. */
export const fields = (...pairs: readonly (readonly [string, string | Uint8Array])[]): readonly HeaderField[] =>
  pairs.map(([name, value]) => [name, typeof value === 'string' ? Buffer.from(value) : value])
