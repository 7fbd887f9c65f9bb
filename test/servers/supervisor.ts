import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { KafkaAddresses } from './kafka/addresses.ts'
import { startKafka, type KafkaCluster } from './kafka/cluster.ts'

/** Where the workers of a test run find the servers that they share. */
export const supervisorVariable = 'MILLRACE_TEST_SERVERS'

/** What a supervisor answers: what was asked for, or why it cannot be had. */
export type SupervisorAnswer = { readonly kafka: KafkaAddresses } | { readonly error: string }

/** Starts shared servers when the first worker asks for one, and stops them at the end of the run. */
export interface Supervisor {
  readonly url: string
  close(): Promise<void>
}

/** Another server gets its row here: a path, and how it is started once. */
const createServers = (): { readonly answer: (path: string) => Promise<SupervisorAnswer>; readonly stop: () => Promise<void> } => {
  let kafka: Promise<KafkaCluster> | undefined
  return {
    answer: async (path) => {
      if (path !== '/kafka') return { error: `there is no shared server ${path}` }
      kafka ??= startKafka(1, { secure: true })
      // The addresses alone: what belongs to this process does not travel.
      const { clusterId, bootstrap, proxied, secure } = await kafka
      return { kafka: { clusterId, bootstrap, proxied, ...(secure !== undefined && { secure }) } }
    },
    stop: async () => {
      const started = await kafka?.catch(() => undefined)
      await started?.stop()
    },
  }
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
