import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { KafkaAddresses } from './kafka/addresses.ts'
import { startKafka } from './kafka/cluster.ts'
import type { RabbitmqAddresses } from './rabbitmq/addresses.ts'
import { startRabbitmq } from './rabbitmq/server.ts'
import { startRedis, type RedisAddresses } from './redis/server.ts'

/** Where the workers of a test run find the servers that they share. */
export const supervisorVariable = 'MILLRACE_TEST_SERVERS'

/** What the shared servers are to those who ask: data alone. */
export interface SharedAddresses {
  readonly kafka: KafkaAddresses
  readonly rabbitmq: RabbitmqAddresses
  readonly redis: RedisAddresses
}

/** What a supervisor answers: what was asked for, or why it cannot be had. */
type SupervisorAnswer = { readonly addresses: unknown } | { readonly error: string }

/** Starts shared servers when the first worker asks for one, and stops them at the end of the run. */
export interface Supervisor {
  readonly url: string
  close(): Promise<void>
}

interface Stoppable {
  stop(): Promise<void>
}

/** Another server gets its row here: how it is started once, and what of it travels: what belongs to this process does not. */
const rows: { readonly [Name in keyof SharedAddresses]: () => Promise<Stoppable & SharedAddresses[Name]> } = {
  kafka: () => startKafka(1, { secure: true }),
  rabbitmq: () => startRabbitmq(),
  redis: () => startRedis(),
}

const createServers = (): { readonly answer: (path: string) => Promise<SupervisorAnswer>; readonly stop: () => Promise<void> } => {
  const started = new Map<string, Promise<Stoppable>>()
  return {
    answer: async (path) => {
      const name = path.slice(1)
      if (!Object.hasOwn(rows, name)) return { error: `there is no shared server ${path}` }
      const server = started.get(name) ?? rows[name as keyof SharedAddresses]()
      started.set(name, server)
      // Functions are left out by JSON.
      return { addresses: await server }
    },
    stop: async () => {
      for (const server of started.values()) await (await server.catch(() => undefined))?.stop()
    },
  }
}

/** The server that the whole run shares. Outside of vitest: one of this process, started by `start`. */
export const findShared = async <Name extends keyof SharedAddresses>(
  name: Name,
  start: () => Promise<SharedAddresses[Name]>,
): Promise<SharedAddresses[Name]> => {
  const url = process.env[supervisorVariable]
  if (url === undefined) return start()
  const response = await fetch(`${url}/${name}`, { headers: { connection: 'close' } })
  const answer = (await response.json()) as SupervisorAnswer
  if ('error' in answer) throw new Error(answer.error)
  return answer.addresses as SharedAddresses[Name]
}

/** Starts the supervisor. It costs nothing until somebody asks. */
export const startSupervisor = async (): Promise<Supervisor> => {
  const servers = createServers()
  const secret = `/${randomUUID()}`
  const server = createServer((request, response) => {
    const url = request.url ?? ''
    const asked = url.startsWith(`${secret}/`) ? servers.answer(url.slice(secret.length)) : Promise.resolve({ error: 'unknown' })
    const failed = (error: unknown): SupervisorAnswer => ({ error: error instanceof Error ? error.message : String(error) })
    void asked.catch(failed).then((answer) => response.end(JSON.stringify(answer)))
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  // A run that has nothing else to do may end.
  server.unref()
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${secret}`,
    close: async () => {
      server.close()
      server.closeAllConnections()
      await servers.stop()
    },
  }
}
