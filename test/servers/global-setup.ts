import { scratchFolder } from '../processes/reaper.ts'
import { startSupervisor, supervisorVariable } from './supervisor.ts'

/**
 * Of vitest: runs once in its main process, before the workers, which inherit the variables. Returns what ends it.
 *
 * The programs that tests start keep their compiled code in a folder of the run: `--help` of a connector costs about 0.7 CPU
 * seconds in place of 0.9.
 */
export const setup = async (): Promise<() => Promise<void>> => {
  const compiled = scratchFolder('compiled')
  process.env['NODE_COMPILE_CACHE'] = compiled.path
  const supervisor = await startSupervisor()
  process.env[supervisorVariable] = supervisor.url
  return async () => {
    await supervisor.close()
    compiled.remove()
  }
}
