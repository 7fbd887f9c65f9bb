/**
 * A consumer as one writes it in ten minutes, for the test of the ledger on a real broker: one message at a time, acknowledged before the
 * call (`early`), after it (`late`), or all at once after so many (a number). Options as JSON in the first argument.
 */
import { connectTo } from '../servers/rabbitmq.ts'

interface NaiveOptions {
  readonly url: string
  readonly queue: string
  readonly functionUrl: string
  /** 0: without bound. */
  readonly prefetch: number
  readonly acknowledge: 'early' | 'late' | number
}

const { url, queue, functionUrl, prefetch, acknowledge } = JSON.parse(process.argv[2] ?? '{}') as NaiveOptions
const connection = await connectTo(url, { name: 'naive' })
const channel = await connection.createChannel()
await channel.prefetch(prefetch)
let done = 0
let turn = Promise.resolve()
await channel.consume(queue, (message) => {
  if (message === null) return
  turn = turn.then(async () => {
    if (acknowledge === 'early') channel.ack(message)
    const response = await fetch(functionUrl, { method: 'POST', body: message.content.toString() })
    await response.arrayBuffer()
    done++
    if (acknowledge === 'late') channel.ack(message)
    if (done === acknowledge) channel.ackAll()
  })
})
