import { memoryState, systemClock } from '@millrace/sdk'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { silentObserver } from '../../src/consumer/observer.ts'
import { Bench, bodies, uniqueName, until } from './kit.ts'

let bench: Bench

beforeEach(async () => {
  bench = await Bench.open()
}, 120_000)

afterEach(() => bench.close())

test('a stream that was deleted and made anew is read from its first message, and its reader says so', async () => {
  const stream = uniqueName('s')
  const state = memoryState({ clock: systemClock })
  bench.atEnd(() => state.close())
  const annotations = { 'com.openfaas.connector.queue': stream, 'com.openfaas.connector.queue-type': 'stream' }
  const gateway = await bench.gateway({ functions: { f: { annotations } } })
  const codes: string[] = []
  const observer = { ...silentObserver, quarantined: (_: string, code: string) => void codes.push(code) }
  await bench.broker.declareQueue(stream, { type: 'stream' })
  bench.atEnd(() => bench.broker.deleteQueue(stream))
  const texts = (from: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${from}${i}`)
  await bench.broker.publish(stream, texts('old', 50))
  const first = await bench.connect(gateway, { observer }, { state })
  await until(() => gateway.requests.length === 50, 'the old stream is read')
  await first.connector.stop()
  await bench.broker.deleteQueue(stream)
  await bench.broker.declareQueue(stream, { type: 'stream' })
  await bench.broker.publish(stream, texts('new', 3))
  const second = await bench.connect(gateway, { observer }, { state })
  await until(() => gateway.requests.length === 53, 'the new stream is read')
  expect(bodies(gateway.requests).slice(50)).toEqual(['new0', 'new1', 'new2'])
  expect(codes).toEqual(['E_RABBITMQ_STREAM_ANEW'])
  await second.connector.stop()
  const key = `rabbitmq/stream/%2F/${stream}`
  expect(JSON.parse(new TextDecoder().decode((await state.get(key))?.value))).toEqual({ offset: 3 })
}, 60_000)
