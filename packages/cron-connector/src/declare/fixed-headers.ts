import type { HeaderField } from '@millrace/sdk'
import type { Zone } from '../schedule/zone.ts'

/** The headers that every tick of a schedule has. */
export const fixedHeaders = (
  expression: string,
  name: string | undefined,
  zone: Zone,
  own: readonly HeaderField[],
): readonly HeaderField[] => [
  ['X-Cron-Schedule', expression],
  ...(name === undefined ? [] : [['X-Cron-Name', name] as const]),
  ['X-Cron-Timezone', zone.name],
  ...own,
]
