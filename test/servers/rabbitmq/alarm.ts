import { waitUntil } from '../../processes/wait-until.ts'
import { evaluate, type ErlangNode } from './erlang.ts'

export type Alarm = 'disk' | 'memory'

/** What `rabbitmqctl set_vm_memory_high_watermark` and `set_disk_free_limit` do: limits that nothing can keep, and the usual ones. */
const codes: Readonly<Record<Alarm, readonly [off: string, on: string]>> = {
  memory: ['vm_memory_monitor:set_vm_memory_high_watermark(0.4)', 'vm_memory_monitor:set_vm_memory_high_watermark(0.00001)'],
  disk: ['rabbit_disk_monitor:set_disk_free_limit(10000000)', 'rabbit_disk_monitor:set_disk_free_limit(1000000000000000)'],
}

/** Raises or clears an alarm and waits until the broker says so. */
export const raiseAlarm = async (node: ErlangNode, which: Alarm, on: boolean): Promise<void> => {
  const [clear, raise] = codes[which]
  await evaluate(node, on ? raise : clear)
  const isRaised = `lists:keymember({resource_limit, ${which}, node()}, 1, rabbit_alarm:get_alarms())`
  const look = async (): Promise<boolean> => (await evaluate(node, isRaised)) === String(on)
  await waitUntil(look, { timeoutMs: 30_000, everyMs: 100, what: `the ${which} alarm to be ${on ? 'raised' : 'cleared'}` })
}
