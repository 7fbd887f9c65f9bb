import { Secret } from '@millrace/sdk'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { uniqueName } from '../../../../test/servers/rabbitmq.ts'
import type { ConnectionOptions } from '../../src/transport/connection-options.ts'
import { asAdmin, codeOf, TransportBench } from './transport-kit.ts'

let bench: TransportBench
beforeEach(async () => {
  bench = await TransportBench.open()
}, 120_000)
afterEach(() => bench.close())

/** Connects, and says what came of it. */
const reach = async (options: Partial<ConnectionOptions>, withinMs: number = 1500): Promise<string> => {
  const connection = bench.connection(options)
  const code = await codeOf(connection.link(withinMs))
  await connection.close()
  return code
}

const emptyVhost = async (): Promise<string> => {
  const vhost = uniqueName('a%2F b/ä?')
  await bench.broker.addVhost(vhost)
  bench.atEnd(() => bench.broker.deleteVhost(vhost))
  return vhost
}

const at = (port: number, host: string = '127.0.0.1'): Partial<ConnectionOptions> => ({ hosts: [{ host, port }] })

describe('the broker is reached', () => {
  it('plain, and tells its version', async () => {
    const link = await bench.connection().link(5000)
    expect(link.serverVersion).toMatch(/^\d+\.\d+\./)
    expect([link.blocked, link.lost.aborted]).toEqual([false, false])
  })

  it('with TLS, with a certificate, and as whom the certificate names', async () => {
    const { certificates, mtlsPort, tlsPort } = bench.broker
    const { ca, client } = certificates
    const tls = { ca, cert: client.cert, key: new Secret(client.key) }
    expect(await reach({ ...at(tlsPort, 'localhost'), material: async () => asAdmin(bench.broker, { ca }) }, 5000)).toBe('none')
    expect(await reach({ ...at(mtlsPort, 'localhost'), material: async () => asAdmin(bench.broker, tls) }, 5000)).toBe('none')
    expect(await reach({ ...at(mtlsPort, 'localhost'), material: async () => ({ login: 'external', tls }) }, 5000)).toBe('none')
  })

  it('in a vhost with any name', async () => {
    expect(await reach({ vhost: await emptyVhost() })).toBe('none')
  })

  it('with the name that the management UI shows, by role', async () => {
    const connectionName = uniqueName('me')
    await bench.connection({ connectionName }, 'publish').link(5000)
    await expect
      .poll(async () => (await bench.broker.connections()).map((one) => one.clientName), { timeout: 10_000 })
      .toContain(`${connectionName} publish`)
  })

  it('when the first host is dead: the next one', async () => {
    const hosts = [
      { host: '127.0.0.1', port: 1 },
      { host: '127.0.0.1', port: bench.broker.port },
    ]
    expect(await reach({ hosts }, 5000)).toBe('none')
  })

  it('T15: with a password that was changed meanwhile, without a restart', async () => {
    const { username, password } = bench.broker.credentials.admin
    let reads = 0
    const material: ConnectionOptions['material'] = async () => {
      reads += 1
      return { login: { username, password: new Secret(reads < 3 ? 'old' : password) } }
    }
    const connection = bench.connection({ material })
    expect(await codeOf(connection.link(200))).not.toBe('none')
    expect(await codeOf(connection.link(8000))).toBe('none')
  })

  it('with an authority that was replaced meanwhile, and files that could not be read at first', async () => {
    const { ca, otherCa } = bench.broker.certificates
    let reads = 0
    const material: ConnectionOptions['material'] = async () => {
      reads += 1
      if (reads === 1) throw new Error('the file is being replaced')
      return asAdmin(bench.broker, { ca: reads < 4 ? otherCa : ca })
    }
    expect(await reach({ ...at(bench.broker.tlsPort, 'localhost'), material }, 10_000)).toBe('none')
  })
})

describe('what is wrong is told by its code', () => {
  it('a wrong password, a user that nobody knows', async () => {
    const { username } = bench.broker.credentials.admin
    const logins = [
      { username, password: new Secret('wrong') },
      { username: 'nobody', password: new Secret('') },
    ]
    const found = await Promise.all(logins.map((login) => reach({ material: async () => ({ login }) })))
    expect(found).toEqual(['E_RABBITMQ_AUTHENTICATION', 'E_RABBITMQ_AUTHENTICATION'])
  })

  it('a wrong vhost, and one that is refused to the user', async () => {
    const { username, password } = bench.broker.credentials.alice
    const refused = reach({ material: async () => ({ login: { username, password: new Secret(password) } }), vhost: await emptyVhost() })
    expect(await Promise.all([reach({ vhost: 'missing' }), refused])).toEqual(['E_RABBITMQ_VHOST', 'E_RABBITMQ_VHOST'])
  })

  it('T16: a wrong authority, another host than the certificate names, a certificate of a stranger or none, TLS on the plain port', async () => {
    const { certificates, mtlsPort, port, tlsPort } = bench.broker
    const { ca, otherCa, stranger } = certificates
    const cases: readonly (readonly [number, string, Parameters<typeof asAdmin>[1]])[] = [
      [tlsPort, 'localhost', { ca: otherCa }],
      [mtlsPort, 'localhost', { ca }],
      [mtlsPort, 'localhost', { ca, cert: stranger.cert, key: new Secret(stranger.key) }],
      [port, '127.0.0.1', { ca }],
    ]
    const found = cases.map(([to, host, tls]) => reach({ ...at(to, host), material: async () => asAdmin(bench.broker, tls) }))
    expect(await Promise.all(found)).toEqual(cases.map(() => 'E_RABBITMQ_TLS'))
    expect(
      await reach({ ...at(tlsPort, 'localhost'), material: async () => asAdmin(bench.broker, { ca: otherCa, insecureSkipVerify: true }) }),
    ).toBe('none')
  })

  it('nobody there, plain on the TLS port', async () => {
    const found = await Promise.all([reach(at(1)), reach(at(bench.broker.tlsPort))])
    expect(found).toEqual(['E_RABBITMQ_UNREACHABLE', 'E_RABBITMQ_UNREACHABLE'])
  })

  it('files that cannot be read', async () => {
    const material = () => Promise.reject(new Error('no such file'))
    const connection = bench.connection({ material })
    await expect(connection.link(500)).rejects.toThrow(/no such file/)
  })

  it('a server that accepts and says nothing: after the timeout, and it is tried again', async () => {
    const door = await bench.door()
    door.freeze()
    const connection = bench.connection({ ...at(door.port), connectTimeoutMs: 300 })
    await expect(connection.link(1500)).rejects.toThrow(/^E_RABBITMQ_UNREACHABLE .*ETIMEDOUT/)
    expect(door.connections).toBeGreaterThan(1)
    door.thaw()
    expect(await codeOf(connection.link(5000))).toBe('none')
  })

  it('a link is not waited for when its signal aborts, nor after close()', async () => {
    const connection = bench.connection(at(1))
    const waiting = codeOf(connection.link(60_000, AbortSignal.timeout(50)))
    expect(await waiting).toBe('E_RABBITMQ_CONNECTION')
    const second = codeOf(connection.link(60_000))
    await connection.close()
    expect(await second).toBe('E_RABBITMQ_CONNECTION')
    expect(await codeOf(connection.link(60_000))).toBe('E_RABBITMQ_CONNECTION')
  })
})
