import type { LedgerLetter } from '../../ledger/report.ts'
import type { RabbitmqAdmin } from '../../servers/rabbitmq.ts'

type Message = Awaited<ReturnType<RabbitmqAdmin['peek']>>[number]

/** Who a message of the ledger is: its body says it, whatever became of its properties. */
export const idOf = ({ content }: Message): string => {
  const { id } = JSON.parse(content.toString()) as { readonly id?: unknown }
  if (typeof id !== 'string') throw new Error(`not a message of the ledger: ${content.toString().slice(0, 200)}`)
  return id
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

/** What a message of a dead-letter queue says; one that the broker has put there itself says its own reason. */
export const letterOf = (message: Message): LedgerLetter => {
  const headers: Readonly<Record<string, unknown>> = message.properties.headers ?? {}
  const name = textOf(headers['millrace-function'])
  const reason = textOf(headers['millrace-reason']) ?? textOf(headers['x-first-death-reason'])
  return { id: idOf(message), ...(name !== undefined && { function: name }), ...(reason !== undefined && { reason }) }
}

/** The ids that are ready in these queues; those that are not there hold none. */
export const idsIn = async (broker: RabbitmqAdmin, queues: readonly string[], vhost?: string): Promise<readonly string[]> => {
  const found: string[] = []
  for (const queue of queues) {
    if ((await broker.depth(queue, vhost)) !== undefined) found.push(...(await broker.peek(queue, vhost)).map(idOf))
  }
  return found
}

/** The dead letters of a queue, which stay there. */
export const readLetters = async (broker: RabbitmqAdmin, queue: string, vhost?: string): Promise<readonly LedgerLetter[]> =>
  (await broker.depth(queue, vhost)) === undefined ? [] : (await broker.peek(queue, vhost)).map(letterOf)
