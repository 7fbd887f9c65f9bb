import { Agent } from 'node:http'
import type { HttpConnector } from './connector.ts'
import { atEnd, pauseFor } from './scope.ts'
import type { Answer } from './send.ts'

export interface LoadOptions {
  /** The connector that takes events just now; another one after a restart. */
  readonly target: () => HttpConnector
  /** `TOPIC` or `TOPIC?wait=true`. */
  readonly path: string
  readonly clients: number
  /** The event is acknowledged by this answer; another answer, or none, is sent again with the same id. */
  readonly acknowledges: (answer: Answer) => boolean
}

/** Clients that publish one event after the other and send each again until it is acknowledged. */
export interface Load {
  /** Ids in the order of their acknowledgement. */
  readonly acknowledged: readonly string[]
  /** Requests that ended without an answer, or with one that acknowledges nothing. */
  readonly refused: readonly { readonly id: string; readonly status: number | undefined }[]
  /** Publish no new events; resolves when all that were begun are acknowledged. */
  finish(): Promise<void>
}

let started = 0

/** Begins at once. */
export const startLoad = ({ target, path, clients, acknowledges }: LoadOptions): Load => {
  const acknowledged: string[] = []
  const refused: { id: string; status: number | undefined }[] = []
  const run = `load${(started += 1)}`
  let next = 0
  let open = true
  let abandoned = false
  const publish = async (id: string, agent: Agent): Promise<void> => {
    while (!abandoned) {
      const answer = await target()
        .publish(path, JSON.stringify({ id }), { id, agent })
        .catch(() => undefined)
      if (answer !== undefined && acknowledges(answer)) return void acknowledged.push(id)
      refused.push({ id, status: answer?.status })
      await pauseFor(10)
    }
  }
  const client = async (): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    while (open) await publish(`${run}-${(next += 1)}`, agent)
    agent.destroy()
  }
  const all = Promise.all(Array.from({ length: clients }, client))
  // For a test that fails in the middle.
  atEnd(() => {
    open = false
    abandoned = true
    return all
  })
  return {
    acknowledged,
    refused,
    finish: async () => {
      open = false
      await all
    },
  }
}
