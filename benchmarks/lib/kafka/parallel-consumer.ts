import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { reaper } from '../../../test/processes/reaper.ts'
import { cached } from '../../../test/servers/cache.ts'
import { TestBedError } from '../../../test/servers/test-bed-error.ts'
import { runTool } from '../../../test/servers/tools.ts'

const version = '0.5.3.3'
const module = fileURLToPath(new URL('../../peers/parallel-consumer', import.meta.url))

/** What Parallel Consumer is asked to do with a topic: records in the order of their keys. */
export interface PeerRun {
  readonly bootstrap: readonly string[]
  readonly topic: string
  readonly group: string
  readonly count: number
  readonly concurrency: number
  /** Posts each value there, with Java's HttpClient. Absent: sleeps as `waitMs` says. */
  readonly url?: string
}

/** From the first call of the function to the end of the last. */
export interface PeerResult {
  readonly seconds: number
  /** CPU of the whole process, per record. */
  readonly cpuMicros: number
}

/** Confluent's Parallel Consumer in a process of its own, warm from one run to the next. */
export interface ParallelConsumer extends AsyncDisposable {
  run(work: PeerRun): Promise<PeerResult>
}

/** Compiled into the cache, again when its sources have changed. */
const build = async (): Promise<string> => {
  const files = ['pom.xml', 'src/main/java/dev/millrace/bench/Peer.java']
  const hash = createHash('sha256')
  for (const file of files) hash.update(readFileSync(join(module, file)))
  return cached(`parallel-consumer-${version}-${hash.digest('hex').slice(0, 12)}`, async (folder) => {
    try {
      await runTool('mvn', ['-q', '-B', '-f', join(module, 'pom.xml'), `-Dbuild.folder=${folder}`, 'package'], { timeoutMs: 600_000 })
    } catch (error) {
      if (error instanceof TestBedError) throw error
      throw new TestBedError('E_TESTBED_DOWNLOAD', { what: `Parallel Consumer ${version}`, reason: (error as Error).message }, '', error)
    }
  })
}

/**
 * Starts it; the first time Maven fetches and builds it. Java 17 and Maven are needed.
 *
 * @throws TestBedError when they are missing, or Maven cannot fetch it
 */
export const startParallelConsumer = async (): Promise<ParallelConsumer> => {
  const folder = await build()
  const path = `${folder}/parallel-consumer-peer-1.jar:${folder}/lib/*`
  const child = spawn('java', ['-Xmx512m', '-cp', path, 'dev.millrace.bench.Peer'], { stdio: ['pipe', 'pipe', 'inherit'], detached: true })
  await once(child, 'spawn').catch((error: unknown) => {
    throw new TestBedError('E_TESTBED_TOOL', { tool: 'java', how: 'Install Java 17 or newer and put it on the PATH.' }, '', error)
  })
  if (child.pid !== undefined) reaper.addProcess(child.pid)
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  return {
    run: async ({ bootstrap, topic, group, count, concurrency, url }) => {
      child.stdin.write(
        `${[url === undefined ? 'sleep' : 'post', bootstrap.join(','), topic, group, count, concurrency, url ?? ''].join(' ')}\n`,
      )
      const line = await lines.next()
      const [word, seconds, cpu] = line.done === true ? ['ended'] : line.value.split(' ')
      if (word !== 'done') throw new Error(`Parallel Consumer: ${line.done === true ? 'it ended' : line.value}`)
      return { seconds: Number(seconds) / 1e9, cpuMicros: Number(cpu) / 1000 / count }
    },
    [Symbol.asyncDispose]: async () => {
      const gone = once(child, 'exit')
      if (child.exitCode === null) {
        child.kill('SIGKILL')
        await gone
      }
      if (child.pid !== undefined) reaper.removeProcess(child.pid)
    },
  }
}
