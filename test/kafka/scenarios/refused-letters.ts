import { waitUntil } from '../../processes/wait-until.ts'
import type { Connector } from '../../processes/connector.ts'
import { readTopic, type KafkaCluster } from '../../servers/kafka.ts'
import { KafkaRun } from '../kit/run.ts'

const keys = 20
const perKey = 10
const bad = 'k3'
const partitions = 2

/**
 * A function that refuses all events of one key, while their letters cannot be written: all three replicas must have them, and a broker is
 * away. The topic itself goes on.
 */
export class RefusedLetters implements AsyncDisposable {
  readonly #run: KafkaRun
  #connector: Connector | undefined

  private constructor(run: KafkaRun) {
    this.#run = run
  }

  /** With all brokers there. */
  static async open(cluster: KafkaCluster): Promise<RefusedLetters> {
    const run = await KafkaRun.open({
      brokers: cluster.bootstrap,
      partitions,
      keys,
      behaviour: [{ key: bad, status: 422, body: 'never' }, { delayMs: [0, 20] }],
    })
    await cluster.createTopic(`${run.topic}.dlq`, { partitions, config: { 'min.insync.replicas': '3' } })
    await run.publish(keys * perKey)
    return new RefusedLetters(run)
  }

  /** With a broker away: throws when a letter is there, or when anything was acknowledged over one that is not. */
  async areMissed(): Promise<void> {
    const run = this.#run
    const connector = await run.start()
    this.#connector = connector
    await connector.ready(60_000)
    await run.waitForSuccesses((keys - 1) * perKey, 90_000)
    await waitUntil(() => connector.output().includes('E_KAFKA_LETTER_WRITE'), {
      timeoutMs: 60_000,
      what: () => `it to say why:\n${connector.output().slice(-3000)}`,
    })
    const letters = await run.letterCount()
    // The commit stands before the first letter of its partition, and order by key holds up the key behind it.
    const first = run.published().find((record) => record.kind === 'confirmed' && record.id === `${run.topic}-3`)
    const position = (first?.kind === 'confirmed' ? first.position?.offset : undefined) ?? -1
    const committed = (await run.committed()).get(1)?.offset ?? -1
    const calls = run.calls().filter(({ key }) => key === bad).length
    if (letters > 0 || committed > position || calls !== 1) {
      throw new Error(`${letters} letters, committed to ${committed} of ${position}, ${calls} calls of the key`)
    }
  }

  /** With all brokers there again: resolves when all letters are there, once and in order. Throws for any that is not. */
  async arrive(): Promise<number> {
    const run = this.#run
    await run.drained(90_000)
    const count = await run.letterCount()
    if (count !== perKey) throw new Error(`${count} letters instead of ${perKey}`)
    const letters = await readTopic(run.client, `${run.topic}.dlq`, perKey)
    const ids = letters.map(({ value }) => (JSON.parse(value ?? '{}') as { id?: string }).id ?? '')
    const wanted = Array.from({ length: perKey }, (_, index) => `${run.topic}-${3 + index * keys}`)
    if (ids.join() !== wanted.join()) throw new Error(`letters of ${ids.join()} instead of ${wanted.join()}`)
    const metrics = await this.#connector?.metrics()
    const found = await run.report({
      letters: ids.map((id) => ({ id, function: 'orders' })),
      lettersExpected: true,
      duplicateBound: 0,
      ...(metrics !== undefined && { metrics }),
    })
    if (found.problems.length > 0) throw new Error(found.problems.join('; '))
    await this.#connector?.stop()
    return count
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#run[Symbol.asyncDispose]()
  }
}
