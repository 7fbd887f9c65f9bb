import { committedOf } from '../../servers/kafka.ts'

/** The committed position of partition 0. Absent when there is none yet, or the broker cannot say just now. */
export const committedTo = (brokers: readonly string[], group: string, topic: string): Promise<number | undefined> =>
  committedOf(brokers, group, topic).then(
    (found) => found.get(0),
    () => undefined,
  )
