import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { harness, policy, settled } from './engine-harness.ts'

const collect = async (): Promise<void> => {
  setFlagsFromString('--expose-gc')
  await settled()
  // A WeakRef holds what it was read from until the turn is over.
  await new Promise((resolve) => setImmediate(resolve))
  ;(runInNewContext('gc') as () => void)()
}

test('a released event is kept nowhere, though the function behind which it waited is still blocked', async () => {
  const h = harness([policy('a', { concurrency: 1 })])
  h.emit('running')
  h.emit('next in turn')
  const data = ((): WeakRef<Uint8Array> => {
    const bytes = new Uint8Array(1024)
    h.emit('of another intake', { intake: 'p1', data: bytes })
    return new WeakRef(bytes)
  })()
  h.emit('last in turn')
  await h.engine.revoke((intake) => intake.name === 'p1', 0, 'revoked')
  expect(h.seen.get('of another intake')?.released).toEqual(['revoked'])
  await collect()
  expect(data.deref()).toBeUndefined()

  for (const id of ['running', 'next in turn', 'last in turn']) {
    expect(h.calls.at(-1)?.request.event.id).toBe(id)
    h.calls.at(-1)?.reply(200)
  }
  expect(h.engine.stats()).toMatchObject({ acked: 3, released: 1, inFlight: 0, drift: 0 })
})
