import { waitUntil } from '../../processes/wait-until.ts'
import type { RabbitmqServer } from '../../servers/rabbitmq.ts'
import { called, complaintOf, Stage } from '../kit/stage.ts'

/** How long it took until the bad queue had a connection of its own. */
export interface LeaderlessFigures {
  readonly apartMs: number
  /** What the broker did with the consume: nothing, or the end of the connection. */
  readonly how: string
}

/**
 * A quorum queue that is younger than its register comes back from kill -9 without a process. The connector sets it apart, and its neighbour
 * gets every message, before and after.
 */
export const flowBesideLeaderless = async (server: RabbitmqServer): Promise<LeaderlessFigures> => {
  await using stage = await Stage.open(server)
  await server.declareQueue('good', { vhost: stage.vhost })
  await server.settle()
  await server.declareQueue('bad', { vhost: stage.vhost })
  await server.broker.kill9()
  await server.broker.start()
  const gateway = await stage.gateway({ f: { annotations: { topic: 'bad,good' } } })
  const bare = { rabbitmq_declare: 'false', rabbitmq_retry_delays: 'none', rabbitmq_dead_letters: 'none' }
  const since = Date.now()
  const connector = await stage.start({ gateway_url: gateway.url, ...stage.place, ...bare })
  const publish = async (from: number): Promise<void> => {
    const bodies = Array.from({ length: 5 }, (_, i) => `g${from + i}`)
    await stage.publish(bodies.map((body) => ({ routingKey: 'good', body })))
    await called(gateway, bodies, connector)
  }
  // The broker takes up to a minute before it ends the connection.
  const isApart = (): boolean => connector.output().includes('that queue gets one of its own')
  await waitUntil(isApart, { timeoutMs: 120_000, what: () => `the bad queue to be set apart\n${connector.output().slice(-4000)}` })
  const apartMs = Date.now() - since
  await publish(0)
  const inState = async (state: string): Promise<number> => (await connector.metrics()).sum('millrace_rabbitmq_consumers', { state })
  await waitUntil(async () => (await inState('quarantined')) === 1 && (await inState('consuming')) === 1, {
    timeoutMs: 120_000,
    what: () => `one queue in quarantine and one consumed\n${connector.output().slice(-4000)}`,
  })
  await publish(5)
  const silent = connector.logs().some((line) => line['code'] === 'E_RABBITMQ_NO_ANSWER')
  if (!silent) await complaintOf(connector, 'E_RABBITMQ_CONNECTION')
  const { code } = await connector.stop()
  if (code !== 0) throw new Error(`the connector ended with ${code}\n${connector.output().slice(-4000)}`)
  return { apartMs, how: silent ? 'no answer' : '541' }
}
