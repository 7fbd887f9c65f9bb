import { fileDeadLetters } from '@millrace/sdk'
import type { DeadLetter } from '@millrace/sdk'

/** A letter of a function, with a body and headers that can be told apart. */
export const letterOf = (id: string, functionName: string | undefined, more: Partial<DeadLetter> = {}): DeadLetter => ({
  event: {
    id,
    source: '/topics/orders',
    type: 'com.openfaas.http.request',
    topic: 'orders',
    data: Buffer.from(`{"id":"${id}"}`),
    contentType: 'application/json',
    headers: [['x-region', 'eu']],
    attributes: [['x-extra', 'kept']],
  },
  intake: 'http',
  ...(functionName !== undefined && { function: functionName }),
  reason: 'exhausted',
  detail: 'status 500',
  attempts: 10,
  history: [],
  diedAt: Date.UTC(2026, 10, 25),
  hops: 0,
  ...more,
})

/** Writes letters as a connector does. */
export const writeLetters = async (directory: string, letters: readonly DeadLetter[]): Promise<void> => {
  const sink = await fileDeadLetters({ directory })
  for (const letter of letters) await sink.write(letter)
  await sink.close()
}
