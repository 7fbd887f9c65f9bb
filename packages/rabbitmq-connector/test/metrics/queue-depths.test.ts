import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { Secret, silentLogger } from '@millrace/sdk'
import type { LogFields } from '@millrace/sdk'
import { manualClock } from '@millrace/sdk/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { managementApi } from '../../src/metrics/management-api.ts'
import { depthsByApi, depthsByDeclare, watchDepths } from '../../src/metrics/queue-depths.ts'
import type { AmqpChannel, AmqpLink } from '../../src/transport/transport.ts'

let close = (): Promise<unknown> => Promise.resolve()
afterEach(() => close())

/** A server that answers by the path, and says what it was asked. */
const serve = async (answers: Readonly<Record<string, readonly [status: number, body: string]>>) => {
  const asked: { readonly url: string; readonly authorization: string | undefined }[] = []
  const server = createServer((request, response) => {
    asked.push({ url: request.url ?? '', authorization: request.headers.authorization })
    const [status, body] = answers[(request.url ?? '').split('?')[0] ?? ''] ?? [404, '{}']
    response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  close = () => new Promise((resolve) => server.close(resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const credentials = () => Promise.resolve({ username: 'u', password: new Secret('canary') })
  return { asked, api: managementApi({ url, vhost: '/', credentials, timeoutMs: 2000 }) }
}

describe('by the management API', () => {
  it('ready and unacknowledged, names encoded, with the credentials of that moment', async () => {
    const { asked, api } = await serve({ '/api/queues/%2F/a%2Fb%20c': [200, '{"messages_ready":3,"messages_unacknowledged":4}'] })
    expect(await depthsByApi(api)(['a/b c', 'gone'])).toEqual(new Map([['a/b c', { ready: 3, unacked: 4 }]]))
    expect(asked[0]?.authorization).toBe(`Basic ${Buffer.from('u:canary').toString('base64')}`)
  })

  it('a fresh or strange answer counts as empty, never as a figure', async () => {
    const { api } = await serve({ '/api/queues/%2F/q': [200, '{"messages_ready":"9","messages_unacknowledged":-1}'] })
    expect(await api.depthOf('q')).toEqual({ ready: 0, unacked: 0 })
  })

  it.each([
    ['a refusal', 401, '{}'],
    ['a redirect, which is not followed', 302, ''],
    ['no JSON', 200, '<html>'],
    ['an answer without end', 200, `"${'x'.repeat(2_000_000)}"`],
  ])('%s is a coded error without the password', async (_what, status, body) => {
    const { api, asked } = await serve({ '/api/queues/%2F/q': [status, body] })
    const error: unknown = await api.depthOf('q').catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'E_RABBITMQ_MANAGEMENT' })
    expect(String(error)).not.toContain('canary')
    expect(asked).toHaveLength(1)
  })

  it('nobody there is a coded error', async () => {
    const { api } = await serve({})
    await close()
    close = () => Promise.resolve()
    await expect(api.depthOf('q')).rejects.toMatchObject({ code: 'E_RABBITMQ_MANAGEMENT' })
  })
})

describe('by passive declares', () => {
  const lost = new AbortController()

  /** A link on which each failed check costs its channel, as with a real broker. */
  const linkOf = (known: ReadonlyMap<string, number>) => {
    let [opened, closed] = [0, 0]
    const openChannel = () => {
      opened += 1
      let isGone = false
      const checkQueue = (queue: string) => {
        const messages = known.get(queue)
        if (isGone || messages === undefined) {
          isGone = true
          return Promise.reject(new Error('404'))
        }
        return Promise.resolve({ queue, messages, consumers: 1 })
      }
      const channel = {
        checkQueue,
        close: () => {
          closed += 1
          return Promise.resolve()
        },
      }
      return Promise.resolve(channel as unknown as AmqpChannel)
    }
    const link = { lost: lost.signal, openChannel } as unknown as AmqpLink
    return { link: () => Promise.resolve(link), count: () => [opened, closed] }
  }

  it('a missing queue costs its own figure alone, and every channel is closed', async () => {
    const connection = linkOf(
      new Map([
        ['a', 1],
        ['c', 3],
      ]),
    )
    const depths = await depthsByDeclare(connection, 1000)(['a', 'b', 'c'])
    expect(depths).toEqual(
      new Map([
        ['a', { ready: 1 }],
        ['c', { ready: 3 }],
      ]),
    )
    expect(connection.count()).toEqual([2, 2])
  })
})

describe('again and again', () => {
  it('the last good figures stay, one line says that they do, and stop ends it', async () => {
    const clock = manualClock()
    const warnings: LogFields[] = []
    const answers: (() => Promise<ReadonlyMap<string, { readonly ready: number }>>)[] = [
      () => Promise.resolve(new Map([['q', { ready: 5 }]])),
      () => Promise.reject(new Error('away')),
      () => Promise.reject(new Error('away')),
      () => Promise.resolve(new Map([['q', { ready: 6 }]])),
    ]
    let readings = 0
    const read = () => {
      readings += 1
      return (answers.shift() ?? (() => Promise.resolve(new Map())))()
    }
    const logger = { ...silentLogger, warn: (_message: string, fields: LogFields = {}) => void warnings.push(fields) }
    const watch = watchDepths({ read, queues: () => ['q'], intervalMs: 1000, clock, logger })
    const step = async (ms = 1000) => {
      clock.advance(ms)
      await setImmediate()
      return watch.current().byQueue.get('q')?.ready
    }
    expect(await step(0)).toBe(5)
    expect([await step(), await step(), warnings.length]).toEqual([5, 5, 1])
    expect(await step()).toBe(6)
    watch.stop()
    await step()
    expect(readings).toBe(4)
  })
})
