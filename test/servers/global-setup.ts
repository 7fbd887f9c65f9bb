import { startSupervisor, supervisorVariable } from './supervisor.ts'

/** Of vitest: runs once in its main process, before the workers, which inherit the variable. Returns what ends it. */
export const setup = async (): Promise<() => Promise<void>> => {
  const supervisor = await startSupervisor()
  process.env[supervisorVariable] = supervisor.url
  return () => supervisor.close()
}
