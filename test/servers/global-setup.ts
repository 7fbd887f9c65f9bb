import { join } from 'node:path'
import { cacheFolder } from './cache.ts'
import { startSupervisor, supervisorVariable } from './supervisor.ts'

/**
 * Of vitest: runs once in its main process, before the workers, which inherit the variables. Returns what ends it.
 *
 * Node keeps the compiled code of the programs that tests start: `--help` of a connector costs about 0.7 CPU seconds in place of 0.9. It is
 * kept beside the downloads, one file for each source: workers write to it when they end, after everything of the run was cleared away.
 */
export const setup = async (): Promise<() => Promise<void>> => {
  process.env['NODE_COMPILE_CACHE'] = join(cacheFolder(), 'compiled')
  const supervisor = await startSupervisor()
  process.env[supervisorVariable] = supervisor.url
  return () => supervisor.close()
}
