import { beforeAll, afterAll, describe, expect, test } from 'vitest'
import { makeCertificates, type Certificates } from '../../../../../test/servers/certificates.ts'
import { reservePort, type ReservedPort } from '../../../../../test/servers/ports.ts'
import { redis, type RedisServer } from '../../../../../test/servers/redis.ts'
import { scratchFolder } from '../../../../../test/processes/reaper.ts'
import { Secret } from '../../../src/core/secret.ts'
import { bytes, openStore } from './redis-kit.ts'

describe('state in Redis over TLS, with certificates on both sides', () => {
  let server: RedisServer
  let port: ReservedPort
  let certificates: Certificates
  let end = (): void => {}

  beforeAll(async () => {
    const folder = scratchFolder('redis-tls')
    certificates = await makeCertificates(folder.path)
    port = await reservePort()
    const file = (name: string): string => `${folder.path}/${name}`
    const tls = ['--tls-port', String(port.port), '--tls-cert-file', file('broker.crt'), '--tls-key-file', file('broker.key')]
    server = await redis.single({ args: [...tls, '--tls-ca-cert-file', file('ca.pem'), '--tls-auth-clients', 'yes'] })
    end = () => folder.remove()
  })
  afterAll(async () => {
    await server.stop()
    port.release()
    end()
  })

  const open = (host: string, ca: string, client = certificates.client) =>
    openStore(`rediss://${host}:${port.port}`, 'tls', {
      material: () => Promise.resolve({ ca, cert: client.cert, key: new Secret(client.key) }),
    })

  test.each(['localhost', '127.0.0.1'])('%s', async (host) => {
    const store = await open(host, certificates.ca)
    const found = await store.get('key')
    expect(await store.put('key', bytes('a'), found?.version ?? 'absent')).toBe((found?.version ?? 0) + 1)
    await store.close()
  })

  test('an authority that did not sign it, a client that it did not sign, and no TLS at all are refused', async () => {
    const wrongCa = await open('localhost', certificates.otherCa)
    await expect(wrongCa.get('key')).rejects.toMatchObject({ code: 'E_STATE_IO', message: expect.stringMatching(/certificate/i) as string })
    const stranger = await open('localhost', certificates.ca, certificates.stranger)
    await expect(stranger.get('key')).rejects.toMatchObject({ code: 'E_STATE_IO' })
    const plain = await openStore(`redis://localhost:${port.port}`, 'tls')
    await expect(plain.get('key')).rejects.toMatchObject({ code: 'E_STATE_IO' })
    await Promise.all([wrongCa.close(), stranger.close(), plain.close()])
  })
})
